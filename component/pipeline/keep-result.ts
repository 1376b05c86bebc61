import { v7 as uuidv7 } from 'uuid';
import type { CaptureStore } from '../delivery/capture-store.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { AppendOptions, Registry } from '../registry/registry.ts';
import type { FrameSlots } from '../camera/frame-slots.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameLease } from '../contract/frame.ts';
import type {
  AnomalyMap,
  CameraDriver,
  FrameEnd,
  FrameReference,
  NewResult,
} from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CameraStatistics } from './camera-statistics.ts';
import type { FrameSettings } from './frame-settings.ts';
import type { LiveView } from './live-view.ts';
import type { Metrics } from './metrics.ts';
import type { Pictures } from './pictures.ts';
import { SNAPSHOT_RULE, type Snapshots } from './snapshots.ts';
import type { Trail } from './space/scene.ts';
import { UnstoredResults } from './unstored-results.ts';

export interface JudgedFrame {
  readonly frame: FrameReference;
  /** Absent for a frame that never had a slot. */
  readonly lease?: FrameLease;
  readonly result: NewResult;
  /** Those that it was judged by. */
  readonly settings: Pick<FrameSettings, 'captureRules' | 'view' | 'config'>;
  readonly end: FrameEnd;
  /** The frame counts for the camera already: by the result of another trigger, or as dropped. */
  readonly isCountedBefore?: boolean;
  /** Why the frame got no answer from its model; its result says so too. */
  readonly error?: VedetteError;
  readonly anomalyMap?: AnomalyMap;
  /** Where followed objects went, for drawing. */
  readonly trails?: readonly Trail[];
}

/**
 * Takes over a judged frame with its lease: stores the result (and the picture, when a rule asks for
 * it), shows it, tells the source, gives the slot back. Never rejects.
 */
export type KeepResult = (judged: JudgedFrame) => Promise<void>;

export interface KeepDependencies {
  readonly camera: string;
  readonly slots: FrameSlots;
  readonly driver: CameraDriver;
  readonly registry: Registry;
  readonly captureStore: CaptureStore;
  readonly snapshots: Snapshots;
  readonly pictures: Pictures;
  readonly liveView: LiveView;
  readonly statistics: CameraStatistics;
  readonly metrics: Metrics;
  readonly faults: FaultLog;
  /** The camera stops. */
  readonly signal: AbortSignal;
  /** Whether somebody waits for this result: then it is on the disk before it is given, or refused. */
  readonly isAwaited: (frame: FrameReference) => boolean;
  /** Told of the result, or of why it could not be stored. */
  readonly onKept: (judged: JudgedFrame, kept: InferenceResult | VedetteError) => void;
}

export interface ResultKeeper {
  readonly keep: KeepResult;
  /** After the camera was stopped: resolves when no result waits to be stored. */
  readonly ended: () => Promise<void>;
}

type Unstored = UnstoredResults<JudgedFrame>;

export function createResultKeeper(line: KeepDependencies): ResultKeeper {
  const unstored: Unstored = new UnstoredResults({
    store: (judged) => storeLater(line, judged),
    onLost: () => line.metrics.countNotStored(line.camera),
    // A file can wait, and its verdict must not be lost; a stream goes on.
    mayWait: line.driver.settle !== undefined,
    signal: line.signal,
  });
  return { keep: createKeep(line, unstored), ended: () => unstored.ended() };
}

function createKeep(line: KeepDependencies, unstored: Unstored): KeepResult {
  return async (judged) => {
    const { frame, lease, end, isCountedBefore = false } = judged;
    let held = lease;
    try {
      const drawn = lease && line.liveView.show(line.camera, lease, judged.settings.view, judged);
      const plan = planFor(line, judged);
      const startedMs = performance.now();
      const storing = store(line, judged, plan, unstored);
      if (held && plan.durability === 'gathered') {
        await drawn;
        line.slots.release(held);
        held = undefined;
      }
      const kept = await storing;
      // The wait for others held up no frame.
      const storeMs = plan.durability === 'gathered' ? 0 : performance.now() - startedMs;
      // A verdict was reached, whether or not it could be stored.
      const { result } = judged;
      const isJudged = end !== 'unreadable' && !isCountedBefore;
      line.statistics.countResult(result, storeMs, frame.capturedAtMs, isJudged);
      line.metrics.countResult(line.camera, result.model.name, result);
      line.metrics.observe(line.camera, result.model.name, 'store', storeMs);
      if (lease && end === 'unreadable' && !isCountedBefore) line.slots.dropTaken('unreadable');
      line.onKept(judged, kept);
      await drawn;
    } finally {
      if (held) line.slots.release(held);
    }
  };
}

interface StoringPlan {
  readonly durability: AppendOptions['durability'];
  /** What asks for its picture, if anything. */
  readonly rule: string | undefined;
}

/**
 * A pass of a stream is what nothing waits for: no caller, transaction or file, no picture, no alarm.
 */
function planFor(line: KeepDependencies, judged: JudgedFrame): StoringPlan {
  const { frame, result } = judged;
  const rule = ruleFor(line, judged);
  if (line.isAwaited(frame)) return { durability: 'promised', rule };
  const isWaitedFor =
    rule !== undefined || result.transaction !== undefined || line.driver.settle !== undefined;
  const mayWait = result.verdict.outcome === 'pass' && !isWaitedFor;
  return { durability: mayWait ? 'gathered' : 'stream', rule };
}

/**
 * Stores a result, then its picture, then tells the source. When the registry cannot take it now, the
 * result is given without its number and stored later; who waits for it is given the error instead.
 */
async function store(
  line: KeepDependencies,
  judged: JudgedFrame,
  { durability, rule }: StoringPlan,
  unstored: Unstored,
): Promise<InferenceResult | VedetteError> {
  const result = rule === undefined ? judged.result : { ...judged.result, captureId: uuidv7() };
  let stored: InferenceResult;
  try {
    stored = await line.registry.appendResult(result, { durability });
  } catch (thrown) {
    const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    line.snapshots.settle(result.id, error);
    line.faults.warn(
      `store/${line.camera}/${error.code}`,
      { camera: line.camera, error },
      'a result could not be stored',
    );
    if (durability === 'promised' || !error.retryable || error.code === 'SHUTTING_DOWN') {
      line.metrics.countNotStored(line.camera);
      return error;
    }
    // What the registry holds itself is offered again only for a source that waits to be told.
    const isHeld = error.details['isQueued'] === true && line.driver.settle === undefined;
    if (!isHeld) await unstored.add(withoutPixels(judged));
    return judged.result;
  }
  const isCaptured = rule !== undefined && (await capture(line, judged, stored, rule));
  await settle(line, judged);
  if (isCaptured || rule === undefined) return stored;
  const { captureId: _failed, ...withoutCapture } = stored;
  return withoutCapture;
}

/**
 * What asks for the picture of a result, if anything. Rules count frames, so they are asked for each; a
 * fail-safe verdict has none.
 */
function ruleFor(line: KeepDependencies, judged: JudgedFrame): string | undefined {
  const { end, lease, result, settings } = judged;
  if (end !== 'judged' || lease === undefined) return undefined;
  const chosen = settings.captureRules.choose(line.camera, result);
  if (line.snapshots.choose(line.camera, result.id)) return SNAPSHOT_RULE;
  const mode = settings.config.cameras[line.camera]?.captureMode ?? 'rules';
  if (mode === 'rules') return chosen;
  return mode === 'all' ? (chosen ?? 'all') : undefined;
}

/** Whether the picture of a stored result was kept as well. */
async function capture(
  line: KeepDependencies,
  { lease, settings }: JudgedFrame,
  result: InferenceResult,
  rule: string,
): Promise<boolean> {
  if (!lease) return false;
  try {
    const picture = await line.pictures.encode(lease, settings.view);
    const kept = await line.captureStore.save({
      id: result.captureId ?? uuidv7(),
      camera: line.camera,
      capturedAtMs: lease.ntpMs ?? lease.capturedAtMs,
      bytes: picture.bytes,
      format: picture.format,
      result,
      rule,
    });
    line.snapshots.settle(result.id, kept);
    line.metrics.countCapture(line.camera, 'stored');
    return true;
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    line.snapshots.settle(result.id, error);
    line.metrics.countCapture(line.camera, 'failed');
    line.faults.warn(
      `capture/${line.camera}/${error.code}`,
      { camera: line.camera, error },
      'a picture could not be kept',
    );
    return false;
  }
}

/** What waits to be stored holds no memory but its own: the frame's slot is given back. */
function withoutPixels({ frame, result, settings, end, error }: JudgedFrame): JudgedFrame {
  const { sequence, capturedAtMs, fileName } = frame;
  return {
    frame: { sequence, capturedAtMs, ...(fileName === undefined ? {} : { fileName }) },
    result,
    settings,
    end,
    ...(error ? { error } : {}),
  };
}

/**
 * A consuming source keeps its file until the result is really stored. When the process stops before,
 * the file is judged again.
 */
async function storeLater(
  line: KeepDependencies,
  judged: JudgedFrame,
): Promise<VedetteError | undefined> {
  try {
    await line.registry.appendResult(judged.result, { durability: 'stream' });
  } catch (thrown) {
    return VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
  }
  await settle(line, judged);
  return undefined;
}

/** The source moves its file. A file that cannot be moved stays, and is judged again at the next start. */
async function settle(line: KeepDependencies, judged: JudgedFrame): Promise<void> {
  const { frame, end, error: reason } = judged;
  try {
    await line.driver.settle?.(frame, end, reason);
  } catch (thrown) {
    const error = VedetteError.from(thrown, 'CAMERA_SOURCE_FAILED');
    line.faults.warn(
      `settle/${line.camera}/${error.code}`,
      { camera: line.camera, fileName: frame.fileName, error },
      'a judged picture could not be moved',
    );
  }
}
