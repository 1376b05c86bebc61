import type { CameraPictureHealth } from './camera-health.ts';
import type { ConfigurationStatus } from './configuration-status.ts';
import type { Box, DropReason, FrameDescription, FrameLease, FrameView, Size } from './frame.ts';
import type { ModelChangeRecord, ModelLifecycleStatus, ModelState } from './model-lifecycle.ts';
import type { TensorDeclaration, TensorValue } from './tensor.ts';
import type { SerializedError, VedetteError } from './errors.ts';
import type { TriggerStatus } from './transaction.ts';
import type {
  ChainStepReport,
  Findings,
  InferenceResult,
  ModelIdentity,
  Outcome,
  Tracking,
} from './result.ts';

// ---------------------------------------------------------------- cameras

/** A slot that a driver fills. Exactly one of `publish` and `abandon` must follow. */
export interface SlotWriter {
  /** The whole memory of the slot, reused between frames. */
  readonly bytes: Uint8Array;
  /** @throws VedetteError FRAME_INVALID; the frame is counted and the slot free again */
  publish(frame: FrameDescription): void;
  abandon(): void;
}

/** What the addon did since it last told: numbers of frames. */
export interface NativePublication {
  /** Written to a slot and ready to be read. */
  readonly published: number;
  /** Published earlier, unread, and lost to a newer one. */
  readonly overwritten: number;
  /** Delivered by the source, but no slot was free. */
  readonly discarded: number;
}

/** What tells when frames of a source were taken, by their number. */
export interface FrameDater {
  /** Whether it knows this frame already; what it is told comes beside the pixels. */
  hasSeen(sequence: number): boolean;
  /** Milliseconds since 1970 by the camera's own clock; absent when that is not known. */
  ntpMsOf(sequence: number): number | undefined;
  /** Whether that clock has run evenly of late, so that its times tell how long frames took to come. */
  runsEvenly(sequence: number): boolean;
}

/** Where a driver puts its frames; it knows the camera's policy, so that no driver needs to. */
export interface FrameSink {
  /**
   * A slot for a frame of `byteLength` bytes. Policy `every`: waits until one is free. Policy
   * `newest`: overwrites the oldest unread frame and counts it. `undefined` when the frame cannot
   * be taken (too large, no slot): already counted, go on with the next.
   */
  openSlot(byteLength: number, signal: AbortSignal): Promise<SlotWriter | undefined>;
  /**
   * Counts a frame that the source delivered and that never reached a slot. `error` says why in
   * words that an operator can use, where the reason alone does not.
   */
  countDrop(reason: DropReason, error?: VedetteError): void;
  /**
   * For a frame that is one part of a run of parts and was refused before it had a slot: counts it
   * and has an error result made of it. `settle` follows when that is stored. Waits while more are
   * refused than can be stored. Never rejects.
   */
  refuse(refused: RefusedFrame, signal: AbortSignal): Promise<void>;
  /** Id of the native ring behind the sink, for drivers that read into slots natively. */
  readonly ringId: number;
  readonly mayOverwrite: boolean;
  /** The largest frame that fits a slot, in bytes. */
  readonly slotBytes: number;
  /** To be called by such drivers after the addon published frames. */
  notifyPublished(publication: NativePublication): void;
  /** The source is open and healthy, even if no frame comes for long (an empty folder). */
  notifyOpened(): void;
  /** From now on frames are dated by it as well; `undefined` ends that. */
  dateFrames(dater: FrameDater | undefined): void;
  /**
   * Frames from number `firstSequence` on are smaller copies of pictures of `scaledFrom`; `undefined`:
   * they are the pictures themselves.
   */
  scaleFrames(scaledFrom: Size | undefined, firstSequence: number): void;
  /** The source is open, but something of it cannot be had for now; `undefined`: all is well again. */
  notifyTrouble(trouble: VedetteError | undefined): void;
}

/** A frame by its number, without its pixels. */
export type FrameReference = Pick<
  FrameDescription & Pick<FrameLease, 'ntpMs'>,
  'sequence' | 'capturedAtMs' | 'capturedSteadyMs' | 'captureClock' | 'ntpMs' | 'fileName'
>;

export interface RefusedFrame extends FrameReference {
  /** Absent when it was counted already. */
  readonly reason?: DropReason;
  readonly error: VedetteError;
}

/**
 * `judged`: it has a verdict, or its model failed on it. `unreadable`: it is no picture.
 * `misfit`: it is one, but does not fit the camera's settings (a `region` outside of it).
 */
export type FrameEnd = 'judged' | 'unreadable' | 'misfit';

/** A kind of camera source. One file each in `component/camera`. */
export interface CameraDriver {
  /**
   * Opens the source and delivers frames until it ends (resolves) or fails (rejects with a
   * VedetteError of a CAMERA_… or FFMPEG_… code). Aborting `signal` ends it within two seconds
   * with everything closed. The supervisor calls it again after a back-off.
   */
  run(sink: FrameSink, signal: AbortSignal): Promise<void>;
  /**
   * Told once for each published or refused frame after its result is stored, with the error that
   * says why it has no verdict. A consuming folder moves its file here.
   */
  settle?(frame: FrameReference, end: FrameEnd, error?: VedetteError): Promise<void>;
  /**
   * Resolves when a source that failed because it was away is there again, or when `signal` is
   * aborted. Must use no login again that was refused. Absent: the source is tried again when its pause is over.
   */
  untilBack?(signal: AbortSignal): Promise<void>;
  /**
   * Set of one that has its frames from another camera: what ends a pause is `untilBack` alone, which
   * resolves when that camera changed, for better or worse.
   */
  readonly followsAnother?: true;
  /** What decodes now, such as `vaapi` or `software`; absent before the first frame, and where nothing is decoded here. */
  readonly decoder?: string | undefined;
  /** Whether a normal end of `run` is final (`once` folders) instead of a reason to open it again. */
  readonly endsForGood: boolean;
  /**
   * The source is taken for stalled and opened again when no frame came for so long, in
   * milliseconds (the first frame may take longer). Absent: silence is normal (a folder that waits for files).
   */
  readonly stallTimeoutMs?: number;
}

export type CameraState =
  'starting' | 'running' | 'stalled' | 'reconnecting' | 'ended' | 'failed' | 'disabled';

export interface CameraStatus {
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly model: string;
  readonly state: CameraState;
  /** Milliseconds since 1970 of the last change of state. */
  readonly stateSinceMs: number;
  readonly reason?: SerializedError;
  readonly framesDelivered: number;
  readonly framesJudged: number;
  readonly framesDropped: Readonly<Partial<Record<DropReason, number>>>;
  readonly restarts: number;
  /** Verdicts per second over the last five seconds. */
  readonly framesPerSecond: number;
  readonly lastFrame?: Size & { readonly capturedAtMs: number };
  /** Means over the last five seconds, in milliseconds. */
  readonly stageMs: Readonly<Record<Stage, number>>;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Its zones and lines now, when it follows objects. */
  readonly space?: Pick<Tracking, 'zones' | 'lines'>;
  /** The camera that it has its frames from. */
  readonly framesOf?: string;
  /** What decodes its stream: `software`, or the hardware that really does. */
  readonly decoder?: string;
  /** What is wrong with its pictures, once one was measured. */
  readonly health?: CameraPictureHealth;
  /** Of a triggered camera. */
  readonly triggers?: TriggerStatus;
}

export const STAGES = ['queue', 'preprocess', 'run', 'decode', 'store', 'total'] as const;
export type Stage = (typeof STAGES)[number];

// -------------------------------------------------------------- inference

export interface ScoreThresholds {
  readonly score?: number | undefined;
  readonly labels: Readonly<Record<string, number>>;
}

export type PictureSource =
  | { readonly kind: 'frame'; readonly frame: FrameLease }
  /** An encoded picture. `data` is moved to the worker: its buffer must not be used afterwards. */
  | { readonly kind: 'encoded'; readonly data: Uint8Array<ArrayBuffer> };

export interface InferenceRequest {
  readonly image: PictureSource;
  readonly view: FrameView;
  readonly thresholds: ScoreThresholds;
  /** Ask for the anomaly map, for drawing. */
  readonly wantsAnomalyMap: boolean;
}

/** An anomaly map scaled to 0–255, lying over `region` of the upright picture. */
export interface AnomalyMap extends Size {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly region: Box;
}

export interface InferenceAnswer {
  readonly model: ModelIdentity;
  readonly findings: Findings;
  /** Size of the upright source picture. */
  readonly picture: Size;
  readonly anomalyMap?: AnomalyMap;
  /** Of a chain. */
  readonly steps?: Readonly<Record<string, ChainStepReport>>;
  readonly timings: {
    readonly queueMs: number;
    readonly preprocessMs: number;
    readonly runMs: number;
    readonly decodeMs: number;
  };
}

/** Several parts of one picture, such as tiles or the boxes of a detector; it is decoded once. */
export interface RegionsRequest extends Omit<InferenceRequest, 'view'> {
  /** 1 to MAX_TILES. */
  readonly views: readonly FrameView[];
  /** Put together to one answer about this part of the picture, which the views cover: see mergeTiles. */
  readonly merge?: Box;
}

export interface RegionAnswer {
  /** In pixels of the whole upright picture of the region's view. */
  readonly findings: Findings;
  readonly anomalyMap?: AnomalyMap;
}

export interface RegionsAnswer extends Pick<InferenceAnswer, 'model'> {
  /** Size of the upright picture, as the first view turns it. */
  readonly picture: Size;
  /** One for each view, in their order. */
  readonly regions: readonly RegionAnswer[];
  /** Of all regions together. */
  readonly timings: InferenceAnswer['timings'];
}

export interface TensorRequest {
  readonly inputs: readonly TensorValue[];
  /** Names of the outputs wanted; all when absent. */
  readonly outputs?: readonly string[];
}

export interface TensorAnswer {
  readonly model: ModelIdentity;
  readonly outputs: readonly TensorValue[];
  readonly timings: { readonly queueMs: number; readonly runMs: number };
}

export type { ModelState } from './model-lifecycle.ts';

export interface ModelStatus {
  readonly name: string;
  readonly state: ModelState;
  readonly stateSinceMs: number;
  readonly reason?: SerializedError;
  /** Absent until the package was read. */
  readonly identity?: ModelIdentity;
  readonly task?: string;
  /** Of a chain: the model of each step. */
  readonly steps?: Readonly<Record<string, string>>;
  readonly description?: string;
  /** Why the variant of `identity` runs on this machine. */
  readonly variantReason?: string;
  readonly labels?: readonly string[];
  readonly inputs?: readonly TensorDeclaration[];
  readonly outputs?: readonly TensorDeclaration[];
  readonly workers: number;
  readonly readyWorkers: number;
  readonly queueDepth: number;
  readonly inFlight: number;
  readonly inferences: number;
  readonly failures: number;
  readonly replacements: number;
  /** Its versions: which one answers, which one is tried, and what can be gone back to. */
  readonly lifecycle?: ModelLifecycleStatus;
}

// --------------------------------------------------------------- registry

export interface ResultQuery {
  readonly camera?: string;
  readonly model?: string;
  readonly label?: string;
  readonly outcome?: Outcome;
  /** Milliseconds since 1970; `from` inclusive, `to` exclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Newest first, 1–1000. */
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** A result before the registry numbered it. */
export type NewResult = Omit<InferenceResult, 'cameraSequence'>;

export interface NewCapture {
  readonly id: string;
  readonly resultId: string;
  readonly camera: string;
  readonly capturedAtMs: number;
  /** Relative to the capture folder. */
  readonly imagePath: string;
  readonly byteLength: number;
  readonly rule: string;
}

export interface StoredCapture extends NewCapture {
  readonly outcome: Outcome;
}

export interface CaptureQuery {
  readonly camera?: string;
  readonly outcome?: Outcome;
  readonly limit: number;
  readonly cursor?: string;
}

export interface RegistryModel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly variant: string;
  /** The manifest as JSON. */
  readonly manifest: string;
}

// ----------------------------------------------------------------- events

/** What live viewers are told, one server-sent event each; `kind` is the event's name. */
export type RuntimeEvent =
  | { readonly kind: 'result'; readonly result: InferenceResult }
  | { readonly kind: 'camera'; readonly camera: CameraStatus }
  | { readonly kind: 'model'; readonly model: ModelStatus }
  | { readonly kind: 'model-change'; readonly change: ModelChangeRecord }
  | { readonly kind: 'configuration'; readonly configuration: ConfigurationStatus }
  | { readonly kind: 'notice'; readonly notice: Notice };

/** Something an operator should know that is no result: a corrupt database, a full disk. */
export interface Notice {
  readonly atMs: number;
  /** `info`: what another notice told of is over. */
  readonly level: 'info' | 'warn' | 'error';
  readonly error: SerializedError;
}
