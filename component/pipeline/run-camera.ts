import type { RuntimeConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameLease, Size } from '../contract/frame.ts';
import type {
  FrameEnd,
  FrameReference,
  InferenceAnswer,
  InferenceRequest,
  NewResult,
  RefusedFrame,
} from '../contract/ports.ts';
import type { FrameSlots } from '../camera/frame-slots.ts';
import { inferPicture } from '../inference/chain/camera-model.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import { composeErrorResult, composeResult, type ResultOrigin } from './compose-result.ts';
import { judge } from './judge.ts';
import type { JudgingSet, JudgingSets } from './judging-sets.ts';
import type { KeepResult } from './keep-result.ts';
import type { CameraScene } from './space/camera-scene.ts';
import type { SeenScene } from './space/scene.ts';

/** A camera with all that its frames pass through. */
export interface CameraLine {
  readonly name: string;
  readonly thing: string;
  readonly slots: FrameSlots;
  /** By what its pictures are judged. */
  readonly sets: JudgingSets;
  /** The camera's zones by name. */
  readonly zones: RuntimeConfig['zones'];
  /** Of a camera that follows objects. */
  readonly scene: CameraScene | undefined;
  /** Whether somebody looks at the live picture, which shows the anomaly map. */
  readonly hasViewers: () => boolean;
  /** What came with a pushed frame, to be passed through to its result. */
  readonly contextOf: (frame: FrameReference) => Readonly<Record<string, unknown>> | undefined;
  /** Whether nobody waits any more for the verdict of this frame, which had to be pushed again. */
  readonly isAbandoned: (frame: FrameReference) => boolean;
  readonly keep: KeepResult;
  readonly faults: FaultLog;
}

/** Results of one camera on their way to the disk; the next frame waits when there are more. */
const MAX_KEEPING = 8;

/** The way of a frame: taken from its slot, seen by the model, judged, kept. */
export async function runCamera(line: CameraLine, signal: AbortSignal): Promise<void> {
  const keeping = new Set<Promise<void>>();
  for (;;) {
    if (line.sets.hasOneModel) await line.sets.own.model.whenReady(signal);
    const frame = await line.slots.next(signal);
    if (frame === undefined) break;

    const set = setOf(line, frame);
    const origin = originOf(line, frame, frame);
    const seen = await see(line, set, frame, signal);
    if (seen === 'abandoned' || seen === 'stopped') {
      line.slots.dropTaken('stopped');
      line.slots.release(frame);
      if (seen === 'stopped') break;
      continue;
    }
    const scene = seen instanceof VedetteError ? undefined : line.scene?.see(seen, frame, set);
    const result = judgeSeen(line, set, origin, seen, scene);
    const anomalyMap = seen instanceof VedetteError ? undefined : seen.anomalyMap;

    const kept = line.keep({
      frame,
      lease: frame,
      result,
      end: endOf(seen),
      ...(seen instanceof VedetteError ? { error: seen } : {}),
      ...(anomalyMap ? { anomalyMap } : {}),
      ...(scene ? { trails: scene.trails } : {}),
    });
    keeping.add(kept);
    void kept.finally(() => keeping.delete(kept));
    if (keeping.size >= MAX_KEEPING) await Promise.race(keeping);
  }
  await Promise.all(keeping);
}

/**
 * A frame that never had a slot gets its error result as well. It waits for the model's package, whose
 * name and version stand in each result.
 */
export async function keepRefused(
  line: CameraLine,
  refused: RefusedFrame,
  signal: AbortSignal,
): Promise<void> {
  const origin = originOf(line, refused, { width: 0, height: 0 });
  const { model } = setOf(line, refused);
  if (!model.status().identity) await model.whenReady(signal);
  const { identity } = model.status();
  if (!identity) return;
  const { error } = refused;
  const result = composeErrorResult(origin, identity, error);
  await line.keep({ frame: refused, result, end: 'unreadable', error });
}

const setOf = (line: CameraLine, frame: FrameReference): JudgingSet =>
  line.sets.of(line.contextOf(frame));

const originOf = (line: CameraLine, frame: FrameReference, size: Size): ResultOrigin => {
  const context = line.contextOf(frame);
  const { product } = line.sets.of(context);
  return {
    thing: line.thing,
    camera: line.name,
    frame: { ...frame, width: size.width, height: size.height },
    takenAtMs: performance.now(),
    ...(context ? { context } : {}),
    ...(product ? { product } : {}),
  };
};

/**
 * The model's answer, or the error that the frame ends with. A model that is being replaced is waited
 * for; a frame during which a worker died is tried once more.
 */
async function see(
  line: CameraLine,
  set: JudgingSet,
  frame: FrameLease,
  signal: AbortSignal,
): Promise<InferenceAnswer | VedetteError | 'abandoned' | 'stopped'> {
  let lostWorkers = 0;
  while (!signal.aborted) {
    if (line.isAbandoned(frame)) return 'abandoned';
    try {
      const request: InferenceRequest = {
        image: { kind: 'frame', frame },
        view: set.view,
        thresholds: line.scene?.thresholdsFor(set) ?? set.thresholds,
        wantsAnomalyMap: line.hasViewers(),
      };
      return await inferPicture(set.model, request, set.tiling);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'INFERENCE_FAILED');
      if (error.code === 'SHUTTING_DOWN') return 'stopped';
      if (error.code === 'WORKER_LOST') lostWorkers += 1;
      const isWorthTrying = error.code === 'WORKER_LOST' && lostWorkers === 1;
      if (error.code !== 'MODEL_NOT_READY' && !isWorthTrying) return error;
      await set.model.whenReady(signal);
    }
  }
  return 'stopped';
}

function judgeSeen(
  line: CameraLine,
  set: JudgingSet,
  origin: ResultOrigin,
  seen: InferenceAnswer | VedetteError,
  scene: SeenScene | undefined,
): NewResult {
  if (!(seen instanceof VedetteError)) {
    const findings = scene
      ? { ...seen.findings, detections: [...scene.detections] }
      : seen.findings;
    const verdict =
      set.review === undefined
        ? judge(set.rules, findings, set.model.package?.labels, {
            zones: line.zones,
            space: scene?.evidence,
            context: origin.context,
          })
        : { outcome: 'review' as const, reason: set.review };
    return composeResult(origin, { ...seen, findings }, verdict, scene?.tracking);
  }
  const model = set.model.status().identity;
  if (!model) throw new VedetteError('INTERNAL', `model ${set.model.name} ran without an identity`);
  line.faults.warn(
    `camera/${line.name}/${seen.code}`,
    { camera: line.name, model: model.name, error: seen, fileName: origin.frame.fileName },
    'a frame got no answer',
  );
  return composeErrorResult(origin, model, seen);
}

/** What the source is told of its frame. */
function endOf(seen: InferenceAnswer | VedetteError): FrameEnd {
  if (!(seen instanceof VedetteError)) return 'judged';
  if (seen.code === 'FRAME_INVALID') return 'misfit';
  return seen.code.startsWith('IMAGE_') ? 'unreadable' : 'judged';
}
