/**
 * Which version of a model runs, what became of versions before, what a version in shadow would have
 * said, and what people say of results. The last two go with their result.
 */
export const modelVersions = `
CREATE TABLE model_versions (
  model TEXT PRIMARY KEY,
  remembered TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_changes (
  key INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  model TEXT NOT NULL,
  change TEXT NOT NULL
) STRICT;

CREATE INDEX model_changes_by_model ON model_changes (model);

CREATE TABLE shadow_results (
  key INTEGER PRIMARY KEY,
  result_id TEXT NOT NULL UNIQUE REFERENCES results (id) ON DELETE CASCADE,
  model TEXT NOT NULL,
  camera TEXT NOT NULL,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  active_outcome TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('pass', 'fail', 'review', 'error')),
  json TEXT NOT NULL
) STRICT;

CREATE INDEX shadow_results_by_model ON shadow_results (model, key);

CREATE TABLE result_verdict_labels (
  result_id TEXT PRIMARY KEY REFERENCES results (id) ON DELETE CASCADE,
  outcome TEXT NOT NULL CHECK (outcome IN ('pass', 'fail')),
  note TEXT,
  labelled_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;
