import { v7 as uuidv7 } from 'uuid';
import type { CaptureStore } from '../delivery/capture-store.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { AppendOptions, Registry } from '../registry/registry.ts';
import type { FrameSlots } from '../camera/frame-slots.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameLease } from '../contract/frame.ts';
import type { CameraDriver, FrameReference } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CameraStatistics } from './camera-statistics.ts';
import type { JudgedFrame, KeepResult } from './judged-frame.ts';
import type { LiveView } from './live-view.ts';
import type { Metrics } from './metrics.ts';
import type { Pictures } from './pictures.ts';
import { recordOf, ResultStorage, type RecordPicture } from './result-storage.ts';
import { SNAPSHOT_RULE, type Snapshots } from './snapshots.ts';

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
  /** See ResultStorageOptions. */
  readonly onStored: (resultId: string) => void;
  readonly onNotStored: (resultId: string) => void;
  /** Told of the result, or of why it could not be stored. */
  readonly onKept: (judged: JudgedFrame, kept: InferenceResult | VedetteError) => void;
}

export interface ResultKeeper {
  readonly keep: KeepResult;
  /** After the camera was stopped: resolves when no result waits to be stored. */
  readonly ended: () => Promise<void>;
}

export function createResultKeeper(line: KeepDependencies): ResultKeeper {
  const { driver, slots } = line;
  const storage = new ResultStorage({
    ...line,
    // A file can wait, and its verdict must not be lost; a live source goes on.
    mayWait: driver.settle !== undefined || !slots.mayOverwrite,
  });
  return { keep: createKeep(line, storage), ended: () => storage.ended() };
}

function createKeep(line: KeepDependencies, storage: ResultStorage): KeepResult {
  return async (judged) => {
    const { frame, lease, result, end, isCountedBefore = false } = judged;
    const drawn = lease && line.liveView.show(line.camera, lease, judged.settings.view, judged);
    const { durability, rule } = planFor(line, judged);
    const picture = lease && rule !== undefined ? pictureOf(line, lease, judged, rule) : undefined;
    // The frame's slot never waits for the disk.
    const looked = Promise.all([drawn, picture?.encoded]).finally(() => {
      if (lease) line.slots.release(lease);
    });
    const startedMs = performance.now();
    const kept = await storage.store(recordOf(judged, picture), durability);
    // The wait for others held up no frame.
    const storeMs = durability === 'gathered' ? 0 : performance.now() - startedMs;
    // A verdict was reached, whether or not it could be stored.
    const isJudged = end !== 'unreadable' && !isCountedBefore;
    line.statistics.countResult(result, storeMs, frame.capturedAtMs, isJudged);
    line.metrics.countResult(line.camera, result.model.name, result);
    line.metrics.observe(line.camera, result.model.name, 'store', storeMs);
    if (lease && end === 'unreadable' && !isCountedBefore) line.slots.dropTaken('unreadable');
    line.onKept(judged, kept);
    await looked;
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

function pictureOf(
  line: KeepDependencies,
  lease: FrameLease,
  { settings }: JudgedFrame,
  rule: string,
): RecordPicture {
  return {
    captureId: uuidv7(),
    capturedAtMs: lease.ntpMs ?? lease.capturedAtMs,
    rule,
    encoded: line.pictures
      .encode(lease, settings.view)
      .catch((thrown: unknown) => VedetteError.from(thrown)),
  };
}
