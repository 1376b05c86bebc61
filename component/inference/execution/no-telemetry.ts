/**
 * The builds of ONNX Runtime that Microsoft ships tell Microsoft which machine and models they run
 * on, and keep a device id and a database in the home folder, unless this variable stands in the
 * process' environment before the first session (ONNX Runtime's docs/Privacy.md). To be imported on
 * the main thread of each process that runs models: a worker's `process.env` is a copy.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
