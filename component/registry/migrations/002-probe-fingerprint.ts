/**
 * Trust belongs to a package as a whole, not to its weights alone. What was trusted before is not
 * known to be the same package and is tried again.
 */
export const probeFingerprint = `
DROP TABLE probes;

CREATE TABLE probes (
  fingerprint TEXT NOT NULL,
  runtime_version TEXT NOT NULL,
  probed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (fingerprint, runtime_version)
) STRICT, WITHOUT ROWID;
`;
