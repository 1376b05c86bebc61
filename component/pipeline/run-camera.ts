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
import type { Findings, Verdict } from '../contract/result.ts';
import type { FrameSlots } from '../camera/frame-slots.ts';
import { highestThreshold } from '../decode/score-threshold.ts';
import {
  identityOf,
  inferPicture,
  scoreThresholdOf,
  servingFor,
} from '../inference/chain/camera-model.ts';
import type { ServingModel } from '../inference/chain/camera-model.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { CandidateWatch } from './candidate/candidate-watch.ts';
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
  /** Told of every frame that has its verdict: a version of its model that is tried may see it too. */
  readonly candidatesOf: (model: string) => CandidateWatch | undefined;
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
    const request: InferenceRequest = {
      image: { kind: 'frame', frame },
      view: set.view,
      thresholds: line.scene?.thresholdsFor(set) ?? set.thresholds,
      wantsAnomalyMap: line.hasViewers(),
    };
    const seen = await see(line, set, request, frame, signal);
    if (seen === 'abandoned' || seen === 'stopped') {
      line.slots.dropTaken('stopped');
      line.slots.release(frame);
      if (seen === 'stopped') break;
      continue;
    }
    const { answer } = seen;
    const scene = answer instanceof VedetteError ? undefined : line.scene?.see(answer, frame, set);
    const result = judgeSeen(line, set, origin, seen, scene);
    const anomalyMap = answer instanceof VedetteError ? undefined : answer.anomalyMap;

    const kept = line.keep({
      frame,
      lease: frame,
      result,
      end: endOf(answer),
      ...(answer instanceof VedetteError ? { error: answer } : {}),
      ...(anomalyMap ? { anomalyMap } : {}),
      ...(scene ? { trails: scene.trails } : {}),
    });
    // The slot is still held: it is given back when the result is stored.
    line.candidatesOf(set.model.name)?.seen({
      camera: line.name,
      result,
      show: (version) =>
        inferPicture(
          version,
          { ...request, thresholds: set.thresholds, wantsAnomalyMap: false },
          set.tiling,
        ),
      judge: (findings, version) =>
        verdictOf(line, set, findings, { version, scene, context: origin.context }),
      hasSpareSlot: () => line.slots.hasSpareSlot,
      kept,
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

/** The version that was asked is replaced, or going. */
const PASSING: ReadonlySet<string> = new Set(['MODEL_NOT_READY', 'SHUTTING_DOWN']);

/** What came of a frame, and the version of the model that it came of. */
interface Seen {
  readonly answer: InferenceAnswer | VedetteError;
  readonly version: ServingModel;
}

/**
 * The model's answer, or the error that the frame ends with. A model that is being replaced is waited
 * for; a frame during which a worker died is tried once more. Each try asks anew which version it is.
 */
async function see(
  line: CameraLine,
  set: JudgingSet,
  request: InferenceRequest,
  frame: FrameLease,
  signal: AbortSignal,
): Promise<Seen | 'abandoned' | 'stopped'> {
  let lostWorkers = 0;
  while (!signal.aborted) {
    if (line.isAbandoned(frame)) return 'abandoned';
    const version = servingFor(set.model, line.name);
    try {
      return { answer: await inferPicture(version, request, set.tiling), version };
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'INFERENCE_FAILED');
      // Else the version alone has gone, and another one answers.
      if (error.code === 'SHUTTING_DOWN' && set.model.isClosed) return 'stopped';
      if (error.code === 'WORKER_LOST') lostWorkers += 1;
      const isWorthTrying = error.code === 'WORKER_LOST' && lostWorkers === 1;
      if (!PASSING.has(error.code) && !isWorthTrying) return { answer: error, version };
      await set.model.whenReady(signal);
    }
  }
  return 'stopped';
}

function judgeSeen(
  line: CameraLine,
  set: JudgingSet,
  origin: ResultOrigin,
  { answer, version }: Seen,
  scene: SeenScene | undefined,
): NewResult {
  if (!(answer instanceof VedetteError)) {
    const findings = scene
      ? { ...answer.findings, detections: [...scene.detections] }
      : answer.findings;
    const verdict = verdictOf(line, set, findings, { version, scene, context: origin.context });
    return composeResult(origin, { ...answer, findings }, verdict, scene?.tracking);
  }
  const model = identityOf(version);
  if (!model) throw new VedetteError('INTERNAL', `model ${set.model.name} ran without an identity`);
  line.faults.warn(
    `camera/${line.name}/${answer.code}`,
    { camera: line.name, model: model.name, error: answer, fileName: origin.frame.fileName },
    'a frame got no answer',
  );
  return composeErrorResult(origin, model, answer);
}

/** What a verdict goes by besides what was found. */
interface Evidence {
  readonly version: ServingModel;
  readonly scene: SeenScene | undefined;
  readonly context: ResultOrigin['context'];
}

/** Rules on tracked objects take the tracks of the version that acts. */
function verdictOf(
  line: CameraLine,
  set: JudgingSet,
  findings: Findings,
  { version, scene, context }: Evidence,
): Verdict {
  if (set.review !== undefined) return { outcome: 'review', reason: set.review };
  return judge(set.rules, findings, version.package?.labels, {
    zones: line.zones,
    space: scene?.evidence,
    context,
    thresholdFor: (label) =>
      highestThreshold(
        label === undefined ? (version.package?.labels ?? []) : [label],
        set,
        scoreThresholdOf(version),
      ),
  });
}

/** What the source is told of its frame. */
function endOf(seen: InferenceAnswer | VedetteError): FrameEnd {
  if (!(seen instanceof VedetteError)) return 'judged';
  if (seen.code === 'FRAME_INVALID') return 'misfit';
  return seen.code.startsWith('IMAGE_') ? 'unreadable' : 'judged';
}
