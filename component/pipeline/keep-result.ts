import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { CaptureRules } from '../delivery/capture-rules.ts';
import type { CaptureStore } from '../delivery/capture-store.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { Registry } from '../registry/registry.ts';
import type { FrameSlots } from '../camera/frame-slots.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameLease, FrameView } from '../contract/frame.ts';
import type { AnomalyMap, CameraDriver, NewResult } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CameraStatistics } from './camera-statistics.ts';
import type { LiveView } from './live-view.ts';
import type { Metrics } from './metrics.ts';
import type { Pictures } from './pictures.ts';

/** How often a full disk is tried again for a file that waits for its result, in milliseconds. */
const SETTLE_RETRY_MS = 5000;

export interface JudgedFrame {
  readonly frame: FrameLease;
  readonly result: NewResult;
  readonly end: 'judged' | 'unreadable';
  /** Why the frame got no answer from its model; its result says so too. */
  readonly error?: VedetteError;
  readonly anomalyMap?: AnomalyMap;
}

/**
 * Takes over a judged frame with its lease: stores the result (and the picture, when a rule asks for
 * it), shows it, tells the source, gives the slot back. Never rejects.
 */
export type KeepResult = (judged: JudgedFrame) => Promise<void>;

export interface KeepDependencies {
  readonly camera: string;
  readonly view: FrameView;
  readonly slots: FrameSlots;
  readonly driver: CameraDriver;
  readonly registry: Registry;
  readonly captureRules: CaptureRules;
  readonly captureStore: CaptureStore;
  readonly pictures: Pictures;
  readonly liveView: LiveView;
  readonly statistics: CameraStatistics;
  readonly metrics: Metrics;
  readonly faults: FaultLog;
  /** Told of the stored result, or of why it could not be stored. */
  readonly onKept: (judged: JudgedFrame, kept: InferenceResult | VedetteError) => void;
}

export function createKeepResult(line: KeepDependencies): KeepResult {
  return async (judged) => {
    const { frame, end } = judged;
    try {
      const drawn = line.liveView.show(line.camera, frame, line.view, judged);
      const startedMs = performance.now();
      const kept = await store(line, judged);
      const storeMs = performance.now() - startedMs;
      // A verdict was reached, whether or not it could be stored.
      const { result } = judged;
      line.statistics.countResult(result, storeMs, frame.capturedAtMs, end === 'judged');
      line.metrics.countResult(line.camera, result.model.name, result);
      line.metrics.observe(line.camera, result.model.name, 'store', storeMs);
      if (end === 'unreadable') line.slots.dropTaken('unreadable');
      line.onKept(judged, kept);
      await drawn;
    } finally {
      line.slots.release(frame);
    }
  };
}

/**
 * Stores a result, then its picture, then tells the source. On a full disk the result is given
 * without its number: the registry holds it in memory and stores it when there is space.
 */
async function store(
  line: KeepDependencies,
  judged: JudgedFrame,
): Promise<InferenceResult | VedetteError> {
  const rule =
    judged.end === 'judged' ? line.captureRules.choose(line.camera, judged.result) : undefined;
  const result = rule === undefined ? judged.result : { ...judged.result, captureId: uuidv7() };
  let stored: InferenceResult;
  try {
    stored = await line.registry.appendResult(result, { durability: 'stream' });
  } catch (thrown) {
    const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    line.faults.warn(
      `store/${line.camera}/${error.code}`,
      { camera: line.camera, error },
      'a result could not be stored',
    );
    if (error.details['isQueued'] !== true) return error;
    void settleWhenStored(line, judged);
    return judged.result;
  }
  const isCaptured = rule !== undefined && (await capture(line, judged.frame, stored, rule));
  await settle(line, judged);
  if (isCaptured || rule === undefined) return stored;
  const { captureId: _failed, ...withoutCapture } = stored;
  return withoutCapture;
}

/** Whether the picture of a stored result was kept as well. */
async function capture(
  line: KeepDependencies,
  frame: FrameLease,
  result: InferenceResult,
  rule: string,
): Promise<boolean> {
  try {
    const picture = await line.pictures.encode(frame, line.view);
    await line.captureStore.save({
      id: result.captureId ?? uuidv7(),
      camera: line.camera,
      capturedAtMs: frame.capturedAtMs,
      bytes: picture.bytes,
      format: picture.format,
      result,
      rule,
    });
    line.metrics.countCapture(line.camera, 'stored');
    return true;
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    line.metrics.countCapture(line.camera, 'failed');
    line.faults.warn(
      `capture/${line.camera}/${error.code}`,
      { camera: line.camera, error },
      'a picture could not be kept',
    );
    return false;
  }
}

/**
 * A consuming source keeps its file until the result is really stored; the same id is stored once,
 * however often it is offered. Ends without it when the process stops: the file is judged again then.
 */
async function settleWhenStored(line: KeepDependencies, judged: JudgedFrame): Promise<void> {
  if (!line.driver.settle) return;
  for (;;) {
    await pause(SETTLE_RETRY_MS, undefined, { ref: false });
    try {
      await line.registry.appendResult(judged.result, { durability: 'stream' });
    } catch (thrown) {
      const { code } = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      if (code === 'SHUTTING_DOWN') return;
      continue;
    }
    await settle(line, judged);
    return;
  }
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
