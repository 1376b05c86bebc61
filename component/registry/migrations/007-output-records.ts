/** What outputs were told of verdicts, and whether it was taken. */
export const outputRecords = `
CREATE TABLE output_records (
  key INTEGER PRIMARY KEY,
  output TEXT NOT NULL,
  result_id TEXT NOT NULL,
  ended_at_ms INTEGER NOT NULL,
  json TEXT NOT NULL
) STRICT;

CREATE INDEX output_records_by_result ON output_records (result_id);
CREATE INDEX output_records_by_age ON output_records (ended_at_ms);
`;
