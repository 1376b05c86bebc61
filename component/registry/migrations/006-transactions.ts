/** Triggers from their opening to their end; those without one were open when the process was killed. */
export const transactions = `
CREATE TABLE transactions (
  id TEXT PRIMARY KEY,
  camera TEXT NOT NULL,
  trigger_id TEXT NOT NULL,
  opened_at_ms INTEGER NOT NULL,
  json TEXT NOT NULL,
  ending TEXT CHECK (ending IN ('answered', 'fail-safe', 'dropped')),
  ended_at_ms INTEGER,
  reason TEXT,
  result_id TEXT,
  outcome TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX transactions_by_camera ON transactions (camera, opened_at_ms);
CREATE INDEX transactions_by_age ON transactions (opened_at_ms);
CREATE INDEX transactions_open ON transactions (id) WHERE ending IS NULL;
`;
