/**
 * What waits to leave the device. A row of a result points at the result, whose text is copied only
 * when retention deletes it first. Rows leave by cursors (`sent_key` of a stream, `ledger_key`), which
 * costs one write for many messages. `key` counts up for ever, `sequence` within a camera.
 */
export const outbox = `
CREATE TABLE outbox_state (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  last_key INTEGER NOT NULL DEFAULT 0,
  ledger_key INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  clock_ms INTEGER NOT NULL DEFAULT 0,
  wall_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO outbox_state (only_row) VALUES (1);

CREATE TABLE outbox_cameras (
  camera TEXT PRIMARY KEY,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  acknowledged INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox_streams (
  stream INTEGER PRIMARY KEY,
  camera TEXT NOT NULL,
  lane INTEGER NOT NULL,
  topic TEXT NOT NULL CHECK (topic IN ('result', 'event')),
  rows INTEGER NOT NULL DEFAULT 0,
  sent_key INTEGER NOT NULL DEFAULT 0,
  UNIQUE (camera, lane, topic)
) STRICT;

CREATE TABLE outbox (
  key INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind TEXT NOT NULL,
  clock_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  camera_sequence INTEGER,
  capture TEXT,
  result INTEGER,
  body TEXT
) STRICT;
CREATE INDEX outbox_by_stream ON outbox (stream, key);
CREATE INDEX outbox_by_result ON outbox (result) WHERE result IS NOT NULL;

CREATE TRIGGER outbox_keeps_results BEFORE DELETE ON results BEGIN
  UPDATE outbox SET body = old.json, result = NULL WHERE result = old.key;
END;

CREATE TABLE outbox_minutes (
  camera TEXT PRIMARY KEY,
  clock_ms INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  pass INTEGER NOT NULL DEFAULT 0,
  fail INTEGER NOT NULL DEFAULT 0,
  review INTEGER NOT NULL DEFAULT 0,
  error INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox_given_up (
  reason TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_batches (
  first_key INTEGER PRIMARY KEY,
  last_key INTEGER NOT NULL,
  hour TEXT NOT NULL,
  stored TEXT
) STRICT;
CREATE INDEX ledger_batches_by_hour ON ledger_batches (hour);

CREATE TABLE capture_uploads (
  capture INTEGER PRIMARY KEY REFERENCES captures (key) ON DELETE CASCADE
) STRICT;
`;
