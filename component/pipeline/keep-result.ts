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
      const startedMs = performance.now();
      const drawn = line.liveView.show(line.camera, frame, line.view, judged);
      const kept = await store(line, judged);
      const storeMs = performance.now() - startedMs;
      // A verdict was reached, whether or not there was room to keep it.
      const { result } = judged;
      line.statistics.countResult(result, storeMs, frame.capturedAtMs, end === 'judged');
      line.metrics.countResult(line.camera, result.model.name, result);
      if (kept instanceof VedetteError) {
        line.faults.warn(
          `store/${line.camera}/${kept.code}`,
          { camera: line.camera, error: kept },
          'a result could not be stored',
        );
      } else {
        line.metrics.observe(line.camera, kept.model.name, 'store', storeMs);
        await settle(line, judged);
      }
      if (end === 'unreadable') line.slots.dropTaken('unreadable');
      line.onKept(judged, kept);
      await drawn;
    } finally {
      line.slots.release(frame);
    }
  };
}

/** The picture goes first, so that a stored result never names a capture that is not there. */
async function store(
  line: KeepDependencies,
  judged: JudgedFrame,
): Promise<InferenceResult | VedetteError> {
  const captured = await capture(line, judged);
  const result = captured ? { ...judged.result, captureId: captured.id } : judged.result;
  try {
    const stored = await line.registry.appendResult(result, { durability: 'stream' });
    return stored;
  } catch (thrown) {
    return VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
  }
}

async function capture(
  line: KeepDependencies,
  { frame, result, end }: JudgedFrame,
): Promise<{ id: string } | undefined> {
  const rule = end === 'judged' ? line.captureRules.choose(line.camera, result) : undefined;
  if (rule === undefined) return undefined;
  const id = uuidv7();
  try {
    const picture = await line.pictures.encode(frame, line.view);
    await line.captureStore.save({
      id,
      camera: line.camera,
      capturedAtMs: frame.capturedAtMs,
      bytes: picture.bytes,
      format: picture.format,
      result: { ...result, captureId: id },
      rule,
    });
    line.metrics.countCapture(line.camera, 'stored');
    return { id };
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    line.metrics.countCapture(line.camera, 'failed');
    line.faults.warn(
      `capture/${line.camera}/${error.code}`,
      { camera: line.camera, error },
      'a picture could not be kept',
    );
    return undefined;
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
