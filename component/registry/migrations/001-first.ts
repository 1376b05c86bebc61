/**
 * Results are ordered by (captured_at_ms, key). Every filter of a query has an index that ends in
 * that order; the columns behind it let the other filters be answered without reading the row.
 * Retention goes by stored_at_ms: a picture taken last month and judged today is a new result.
 */
export const first = `
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  variant TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  manifest TEXT NOT NULL,
  first_seen_at_ms INTEGER NOT NULL,
  last_seen_at_ms INTEGER NOT NULL,
  PRIMARY KEY (name, version, variant, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE probes (
  sha256 TEXT NOT NULL,
  variant TEXT NOT NULL,
  runtime_version TEXT NOT NULL,
  probed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (sha256, variant, runtime_version)
) STRICT, WITHOUT ROWID;

CREATE TABLE cameras (
  name TEXT PRIMARY KEY,
  config TEXT,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  camera TEXT,
  camera_sequence INTEGER,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('pass', 'fail', 'review', 'error')),
  captured_at_ms INTEGER NOT NULL,
  stored_at_ms INTEGER NOT NULL,
  json TEXT NOT NULL,
  CHECK ((camera IS NULL) = (camera_sequence IS NULL))
) STRICT;

CREATE INDEX results_by_time ON results (captured_at_ms);
CREATE INDEX results_by_camera ON results (camera, captured_at_ms, key, model);
CREATE INDEX results_by_camera_outcome ON results (camera, outcome, captured_at_ms, key, model);
CREATE INDEX results_by_model ON results (model, captured_at_ms, key, outcome);
CREATE INDEX results_by_outcome ON results (outcome, captured_at_ms);
CREATE INDEX results_by_age ON results (stored_at_ms);

CREATE TABLE result_labels (
  label TEXT NOT NULL,
  captured_at_ms INTEGER NOT NULL,
  result INTEGER NOT NULL REFERENCES results (key) ON DELETE CASCADE,
  camera TEXT,
  model TEXT NOT NULL,
  outcome TEXT NOT NULL,
  PRIMARY KEY (label, captured_at_ms, result)
) STRICT, WITHOUT ROWID;

CREATE INDEX result_labels_by_result ON result_labels (result);

CREATE TABLE result_counts (
  camera TEXT NOT NULL,
  outcome TEXT NOT NULL,
  rows INTEGER NOT NULL,
  PRIMARY KEY (camera, outcome)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER results_counted AFTER INSERT ON results BEGIN
  INSERT INTO result_counts (camera, outcome, rows) VALUES (ifnull(new.camera, ''), new.outcome, 1)
  ON CONFLICT DO UPDATE SET rows = rows + 1;
END;

CREATE TRIGGER results_uncounted AFTER DELETE ON results BEGIN
  UPDATE result_counts SET rows = rows - 1
  WHERE camera = ifnull(old.camera, '') AND outcome = old.outcome;
END;

CREATE TABLE captures (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  result_id TEXT NOT NULL,
  camera TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('pass', 'fail', 'review', 'error')),
  captured_at_ms INTEGER NOT NULL,
  stored_at_ms INTEGER NOT NULL,
  image_path TEXT NOT NULL,
  byte_length INTEGER NOT NULL,
  disk_bytes INTEGER NOT NULL,
  rule TEXT NOT NULL
) STRICT;

CREATE INDEX captures_by_time ON captures (captured_at_ms);
CREATE INDEX captures_by_camera ON captures (camera, captured_at_ms, key);
CREATE INDEX captures_by_camera_outcome ON captures (camera, outcome, captured_at_ms, key);
CREATE INDEX captures_by_outcome ON captures (outcome, captured_at_ms);
CREATE INDEX captures_by_age ON captures (stored_at_ms);
CREATE INDEX captures_by_result ON captures (result_id);

CREATE TABLE capture_totals (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
INSERT INTO capture_totals VALUES (1, 0, 0);

CREATE TRIGGER captures_counted AFTER INSERT ON captures BEGIN
  UPDATE capture_totals SET rows = rows + 1, bytes = bytes + new.disk_bytes;
END;

CREATE TRIGGER captures_uncounted AFTER DELETE ON captures BEGIN
  UPDATE capture_totals SET rows = rows - 1, bytes = bytes - old.disk_bytes;
END;

CREATE TABLE notices (
  key INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  level TEXT NOT NULL,
  error TEXT NOT NULL
) STRICT;
`;
