import { CONFIGURATION_ERROR_CODES } from './configuration-errors.ts';
import { CONTROL_ERROR_CODES } from './control-errors.ts';
import { DELIVERY_ERROR_CODES } from './delivery-errors.ts';
import { entry } from './error-code-entry.ts';
import type { ErrorCodeEntry } from './error-code-entry.ts';
import { GREENGRASS_ERROR_CODES } from './greengrass-errors.ts';
import { PUBLISHER_ERROR_CODES } from './publisher-errors.ts';
import { TRIGGER_ERROR_CODES } from './trigger-errors.ts';

export type { ErrorCodeEntry } from './error-code-entry.ts';

/** Every error code. `docs/ERRORS.md` is generated from this table. */
export const ERROR_CODES = {
  // Configuration
  ...CONFIGURATION_ERROR_CODES,

  // Requests
  REQUEST_INVALID: entry(
    400,
    false,
    'The request has a parameter, header or body that cannot be used.',
    'Correct what the message names.',
  ),
  UNAUTHORIZED: entry(
    401,
    false,
    'The request carries no valid token.',
    'Send `Authorization: Bearer <token>` with the token of `server.token`.',
  ),
  HOST_REFUSED: entry(
    403,
    false,
    'The request names a host or an origin that this server does not serve.',
    'Use the address that the server printed at start, or add the host to `server.allowedHosts`.',
  ),
  NOT_FOUND: entry(
    404,
    false,
    'What the request names does not exist.',
    'Check the name; the message lists what exists where the list is short.',
  ),
  BODY_TOO_LARGE: entry(
    413,
    false,
    'The request body is larger than `server.maxBodyBytes`.',
    'Send a smaller picture or raise the limit.',
  ),
  OVERLOADED: entry(
    429,
    true,
    'Too much is waiting already: for this model, for a live view, to be stored, or in the addon.',
    'Send again after the time in `Retry-After`, send less, or give the model more workers.',
  ),

  // Pictures and frames
  IMAGE_CORRUPT: entry(
    422,
    false,
    'The picture is damaged, cut short or empty.',
    'Check the camera or the program that wrote it; the message says how much could be decoded.',
  ),
  IMAGE_FORMAT_UNSUPPORTED: entry(
    415,
    false,
    'The bytes are not a picture in a supported format.',
    'Send JPEG, PNG, WebP or TIFF.',
  ),
  IMAGE_TOO_LARGE: entry(
    413,
    false,
    'The picture has more pixels than allowed; nothing was decoded.',
    'Send a smaller picture or raise `limits.maxImagePixels`.',
  ),
  PICTURE_UNREADABLE: entry(
    422,
    false,
    'A picture file or a clip could not be read from the disk.',
    'Check the path and the permissions; for a clip, whether `ffplay` can play it.',
  ),
  FRAME_INVALID: entry(
    400,
    false,
    'The size, strides, format or region of a raw frame do not fit together.',
    'Compare the named values with what the source really sends.',
  ),
  TENSOR_INVALID: entry(
    400,
    false,
    'A tensor has another name, shape or type than the model declares.',
    'Send what the model declares; `vedette model inspect` prints it.',
  ),

  // Models
  MODEL_NOT_FOUND: entry(
    404,
    false,
    'No model of this name is configured.',
    'Check the name against `models` in the configuration.',
  ),
  MODEL_NOT_READY: entry(
    503,
    true,
    'The model is loading, warming up or being replaced after a failure.',
    'Try again in a few seconds; `/api/v1/models` shows the state and its reason.',
  ),
  MODEL_PACKAGE_INVALID: entry(
    422,
    false,
    'A model package is incomplete or contradicts itself; every problem is listed.',
    'Correct `model.json` or the files; `vedette model inspect <folder>` shows what was read.',
  ),
  MODEL_ARCHIVE_INVALID: entry(
    422,
    false,
    'The archive of a model package is damaged, cut short, encrypted, or holds what a package may not: links, paths that lead out, a name twice.',
    'Pack the folder of the package again as a plain zip or tar.gz.',
  ),
  MODEL_ARCHIVE_TOO_LARGE: entry(
    413,
    false,
    'The archive of a model package holds more files, bytes or folders in folders than are read.',
    'Leave out what the model does not need; docs/MODEL-PACKAGES.md has the limits.',
  ),
  MODEL_NOT_INSTALLED: entry(
    404,
    false,
    'No model of this name and version is installed in the data folder.',
    'Install it with `vedette model install <package>`; `vedette model list` shows what is there.',
  ),
  MODEL_VERSION_EXISTS: entry(
    409,
    false,
    'This version of the model is installed already, with other files.',
    'Give the package another version, or remove the installed one first.',
  ),
  MODEL_IN_USE: entry(
    409,
    false,
    'A model is configured with this version, runs it, goes back to it or tries it.',
    'Configure or swap in other versions first, or discard the candidate; it is not removed while it is needed.',
  ),
  MODEL_CHANGE_RUNNING: entry(
    409,
    true,
    'Another change of this model is under way; the message names it.',
    'Wait until it has ended; `/api/v1/models/{name}` shows its stage.',
  ),
  MODEL_PINNED: entry(
    409,
    false,
    'The model is pinned to the version that runs.',
    'Unpin it first: `vedette model unpin <name>`.',
  ),
  MODEL_CANDIDATE_EXISTS: entry(
    409,
    false,
    'Another version is the candidate of this model already.',
    'Promote or discard it first; `/api/v1/models/{name}` names it.',
  ),
  MODEL_CANDIDATE_NONE: entry(
    409,
    false,
    'The model has no candidate.',
    'Give it one: `vedette model shadow <name> <package>`.',
  ),
  MODEL_PREVIOUS_NONE: entry(
    409,
    false,
    'No version is known that ran before this one.',
    'Name the version wanted: `vedette model swap <name> <package>`.',
  ),
  MODEL_CANARY_FAILED: entry(
    409,
    false,
    'A version that some cameras acted on was worse than the one before, which answers again.',
    'The message names what was worse; docs/MODEL-LIFECYCLE.md has the rules.',
  ),
  MODEL_STORE_CORRUPT: entry(
    500,
    false,
    'A file of an installed model is missing or is not what was installed.',
    'Check the disk, then install the same package again: damaged files are replaced.',
  ),
  MODEL_STORE_UNAVAILABLE: entry(
    503,
    true,
    'The folder of installed models could not be read or written.',
    'Check permissions and the disk of the data folder; it must be on a file system with hard links.',
  ),
  MODEL_FILE_INVALID: entry(
    422,
    false,
    'The ONNX file is damaged, cut short or not ONNX.',
    'Export or copy the model again and compare its size and sha256 with the original.',
  ),
  MODEL_MISMATCH: entry(
    422,
    false,
    'The ONNX file and its manifest contradict each other.',
    'Correct the named field of `model.json` or use the right file.',
  ),
  MODEL_RUNTIME_UNSUPPORTED: entry(
    422,
    false,
    'A DDA package is made for another inference engine than ONNX Runtime.',
    'Export the trained model to ONNX and set `runtime` to `onnx` in its `manifest.json`; docs/MODEL-PACKAGES.md shows how.',
  ),
  MODEL_LOAD_FAILED: entry(
    422,
    false,
    'ONNX Runtime refused to load the model.',
    'The message names the operator, opset or file; export with a supported opset.',
  ),
  RUNTIME_LIBRARY_INVALID: entry(
    422,
    false,
    'The ONNX Runtime library of `onnxRuntimeLibrary` cannot be used.',
    'The message says what was found and expected; docs/DEVICES.md says how to bring a library to a device.',
  ),
  EXECUTION_PROVIDER_UNAVAILABLE: entry(
    422,
    false,
    'An execution provider cannot be used here, or no part of the model runs on it.',
    'Check its library and drivers (docs/DEVICES.md), or set `use: preferred` to go on without it.',
  ),
  MODEL_MEMORY_EXCEEDED: entry(
    422,
    false,
    'The model needed more memory than its limit while it was tried out, or than is free beside the one that runs.',
    'Use a smaller model, raise `models.<name>.probeMemoryMegabytes`, or free memory on the device.',
  ),
  MODEL_PROBE_FAILED: entry(
    422,
    false,
    'The model did not pass its first run in the probe process.',
    'The message holds the cause; `vedette model inspect` runs the same probe.',
  ),
  INFERENCE_TIMEOUT: entry(
    504,
    true,
    'The model did not answer within its time-out; its worker is being replaced.',
    'Raise `models.<name>.timeoutMs`, use a faster model or lower the load.',
  ),
  INFERENCE_FAILED: entry(
    500,
    false,
    'ONNX Runtime reported an error while the model ran.',
    'The message holds the cause; check the model with `vedette model inspect`.',
  ),
  OUTPUT_INVALID: entry(
    500,
    false,
    'The model answered with NaN, infinite values or an unexpected shape.',
    'Check the preprocessing in `model.json` (scale, mean, std) and the precision of the model.',
  ),
  WORKER_LOST: entry(
    503,
    true,
    'The worker of the model ended unexpectedly; it is being replaced.',
    'Try again; if it happens again see the log for the reason.',
  ),

  // Cameras
  CAMERA_NOT_FOUND: entry(
    404,
    false,
    'No camera of this name is configured.',
    'Check the name against `cameras` in the configuration.',
  ),
  CAMERA_SOURCE_MISSING: entry(
    503,
    true,
    'The folder, file or device of a camera is not there.',
    'Check the path or the cable; the camera goes on trying.',
  ),
  CAMERA_SOURCE_FAILED: entry(
    503,
    true,
    'The source of a camera ended, failed or sent nothing in time.',
    'The message holds what the source said last; the camera goes on trying.',
  ),
  CAMERA_LOGIN_REFUSED: entry(
    502,
    false,
    'A camera refuses the user name or the password, or asks for one that is not configured.',
    'Set `username` and `password` of its source. Vedette tries again after a minute, then less and less often, so that the camera does not lock the account.',
  ),
  CAMERA_PICTURE_BAD: entry(
    500,
    false,
    'The pictures of a camera that runs are not as they should be: frozen, black, badly exposed, out of focus, of another view, or at another rate or time.',
    'Look at its picture. The limits are in `cameras.<name>.health`.',
  ),
  CAMERA_DISABLED: entry(
    409,
    false,
    'The camera is disabled in the configuration.',
    'Set `cameras.<name>.isEnabled: true`.',
  ),
  HARDWARE_DECODER_UNUSED: entry(
    500,
    false,
    'The hardware that a camera asks for does not decode its stream; the processor does.',
    'Check the device (`ls /dev/dri`), its driver, the group of the user (video, render), and that ffmpeg was built with it (`ffmpeg -hwaccels`).',
  ),
  CAMERA_SETTING_REFUSED: entry(
    502,
    false,
    'A camera (GenICam, V4L2) has not the feature or value that its source is configured with, or refuses it.',
    'Set what the message names to a value that the camera has: `arv-tool-0.8 -n NAME features` shows them of GenICam, `vedette camera discover` of V4L2.',
  ),
  ARAVIS_MISSING: entry(
    500,
    false,
    'The library libaravis-0.8, through which GenICam cameras are opened, cannot be loaded.',
    'Install it (`apt-get install libaravis-0.8-0`).',
  ),
  GSTREAMER_MISSING: entry(
    500,
    false,
    'The program gst-launch-1.0 was not found.',
    'Install it (`apt-get install gstreamer1.0-tools`, and the plugins that the pipeline needs).',
  ),
  FFMPEG_MISSING: entry(
    500,
    false,
    'The ffmpeg program was not found.',
    'Install it (`apt-get install ffmpeg`) or set `ffmpeg.path`.',
  ),

  ...TRIGGER_ERROR_CODES,

  // Storage
  REGISTRY_CORRUPT: entry(
    500,
    false,
    'The database failed its integrity check; it was set aside and a new one begun.',
    'Keep the file that the message names; `sqlite3 <file> .recover` may bring back its rows.',
  ),
  REGISTRY_UNAVAILABLE: entry(
    503,
    true,
    'The database could not be opened, read or written.',
    'Check permissions and the disk of the data folder.',
  ),
  REGISTRY_TOO_NEW: entry(
    409,
    false,
    'The database was written by a newer version of Vedette; it was not touched.',
    'Install that version again, or give this one another `dataFolder`.',
  ),
  STORAGE_FULL: entry(
    507,
    true,
    'The disk is full; what could not be stored is named.',
    'Free space or lower `retention`; storing resumes by itself.',
  ),
  CLIP_INTERRUPTED: entry(
    500,
    false,
    'The process ended while a recording around an event was made.',
    'Results that name a lost recording keep their verdict and capture; find out why the process ended.',
  ),
  DATA_FOLDER_LOCKED: entry(
    409,
    false,
    'Another Vedette process uses this data folder.',
    'Stop the other process or give this one another `dataFolder`.',
  ),

  // Publishing and delivery
  ...CONTROL_ERROR_CODES,
  ...GREENGRASS_ERROR_CODES,
  ...DELIVERY_ERROR_CODES,
  ...PUBLISHER_ERROR_CODES,

  // Process
  RUNTIME_UNREACHABLE: entry(
    503,
    true,
    'No running runtime answered a command.',
    'Start it with `vedette run`, or give its address with --url; --config names the configuration that it runs with.',
  ),
  PORT_IN_USE: entry(
    409,
    false,
    'The configured port is taken by another program.',
    'Stop the other program, or choose a port with `--port` or `server.port`.',
  ),
  ADDON_UNAVAILABLE: entry(
    500,
    false,
    'The native addon could not be loaded.',
    'In a clone run `npm start` or `npm test` once: they build it. The package of npm has it for Linux with glibc on x86-64 and arm64; elsewhere `--no-run` publishes a model without trying it. The message names the file and the cause.',
  ),
  SHUTTING_DOWN: entry(
    503,
    true,
    'The process or the camera is stopping, or the camera is being opened by a new configuration.',
    'Send the request again in a moment, or when the process has restarted.',
  ),
  INTERNAL: entry(
    500,
    false,
    'A defect in Vedette.',
    'Report it with the log lines around the request id.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface VedetteErrorOptions {
  readonly cause?: unknown;
  /** Facts for programs and logs. Never a secret, never a picture. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An error as it crosses a thread, a process or the network. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class. `message` says what happened, what was expected and what came. */
export class VedetteError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: VedetteErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VedetteError';
    this.code = code;
    this.details = options.details ?? {};
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].httpStatus;
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  get remedy(): string {
    return ERROR_CODES[this.code].remedy;
  }

  serialize(): SerializedError {
    const hasDetails = Object.keys(this.details).length > 0;
    return {
      code: this.code,
      message: this.message,
      ...(hasDetails ? { details: this.details } : {}),
    };
  }

  static deserialize(error: SerializedError): VedetteError {
    return new VedetteError(
      error.code,
      error.message,
      error.details ? { details: error.details } : {},
    );
  }

  /** Any thrown value as a VedetteError; what is not one already becomes `fallback`. */
  static from(thrown: unknown, fallback: ErrorCode = 'INTERNAL'): VedetteError {
    if (thrown instanceof VedetteError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new VedetteError(fallback, message, { cause: thrown });
  }
}
