/** Numbers of a camera that outlive the process: crossings of its lines, the last number of an object. */
export const cameraCounters = `
CREATE TABLE camera_counters (
  camera TEXT NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (camera, name)
) STRICT, WITHOUT ROWID;
`;
