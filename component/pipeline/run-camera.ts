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
import { turnedSize } from '../inference/picture-scaling.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { CandidateWatch } from './candidate/candidate-watch.ts';
import { composeErrorResult, composeResult, type ResultOrigin } from './compose-result.ts';
import type { CurrentSettings } from './current-settings.ts';
import type { FrameSettings } from './frame-settings.ts';
import { judge } from './judge.ts';
import type { JudgingSet } from './judging-sets.ts';
import type { KeepResult } from './judged-frame.ts';
import type { PictureScaling } from './picture-scaling.ts';
import type { CameraScene } from './space/camera-scene.ts';
import type { SeenScene } from './space/scene.ts';

/** A camera with all that its frames pass through. */
export interface CameraLine {
  readonly name: string;
  readonly slots: FrameSlots;
  /** By what its pictures are judged. */
  readonly settings: CurrentSettings;
  /** Told of every frame that has its verdict: a version of its model that is tried may see it too. */
  readonly candidatesOf: (model: string) => CandidateWatch | undefined;
  /** Where objects are followed, if these settings ask for it. To be asked for each frame in its turn. */
  readonly sceneFor: (settings: FrameSettings) => Promise<CameraScene | undefined>;
  /** Whether somebody looks at the live picture, which shows the anomaly map. */
  readonly hasViewers: () => boolean;
  /** What came with a pushed frame, to be passed through to its result. */
  readonly contextOf: (frame: FrameReference) => Readonly<Record<string, unknown>> | undefined;
  /** Whether nobody waits any more for the verdict of this frame, which had to be pushed again. */
  readonly isAbandoned: (frame: FrameReference) => boolean;
  readonly keep: KeepResult;
  readonly scaling: PictureScaling;
  readonly faults: FaultLog;
}

/** Results of one camera on their way to the disk; the next frame waits when there are more. */
const MAX_KEEPING = 8;

/** The way of a frame: taken from its slot, seen by the model, judged, kept. */
export async function runCamera(line: CameraLine, signal: AbortSignal): Promise<void> {
  const keeping = new Set<Promise<void>>();
  for (;;) {
    await modelReady(line, signal);
    const frame = await line.slots.next(signal);
    if (frame === undefined) break;
    if (isStale(line, frame)) {
      line.slots.dropTaken('stale');
      line.slots.release(frame);
      continue;
    }

    const seen = await seeFrame(line, frame, signal);
    if (seen === 'abandoned' || seen === 'stopped') {
      line.slots.dropTaken('stopped');
      line.slots.release(frame);
      if (seen === 'stopped') break;
      continue;
    }
    const kept = keepJudged(line, judgeFrame(line, seen));
    keeping.add(kept);
    void kept.finally(() => keeping.delete(kept));
    if (keeping.size >= MAX_KEEPING) await Promise.race(keeping);
  }
  await Promise.all(keeping);
}

/** A verdict with all that it came of. */
export interface JudgedAnswer {
  readonly seen: Seen;
  readonly scene: SeenScene | undefined;
  readonly result: NewResult;
  /** See `JudgedFrame`. */
  readonly isCountedBefore?: boolean;
}

/** The verdict on what the model saw. To be asked for once, in the order of the frames. */
export function judgeFrame(line: CameraLine, seen: Seen): JudgedAnswer {
  const { answer, asked } = seen;
  const isAnswer = !(answer instanceof VedetteError);
  const scene = isAnswer ? asked.scene?.see(answer, asked.frame, asked.set) : undefined;
  return { seen, scene, result: judgeSeen(line, seen, scene) };
}

/** Gives a verdict to be stored, with the hold on its frame, and shows the frame to a candidate. */
export function keepJudged(line: CameraLine, judged: JudgedAnswer): Promise<void> {
  const { seen, scene, result, isCountedBefore = false } = judged;
  const { answer, asked } = seen;
  const { frame, set, settings, origin } = asked;
  const isAnswer = !(answer instanceof VedetteError);
  const kept = line.keep({
    frame,
    lease: frame,
    result,
    settings,
    end: endOf(answer),
    isCountedBefore,
    ...(isAnswer ? {} : { error: answer }),
    ...(isAnswer && answer.anomalyMap ? { anomalyMap: answer.anomalyMap } : {}),
    ...(scene ? { trails: scene.trails } : {}),
  });
  // The slot is still held: it is given back when the result is stored.
  line.candidatesOf(set.model.name)?.seen({
    camera: line.name,
    result,
    show: (version) =>
      inferPicture(
        version,
        { ...asked.request, thresholds: set.thresholds, wantsAnomalyMap: false },
        set.tiling,
      ),
    judge: (findings, version) =>
      verdictOf(asked, findings, { version, scene, context: origin.context }),
    mayBeShown: (version) => line.slots.hasSpareSlot && line.scaling.fits(frame, set.view, version),
    kept,
  });
  return kept;
}

/** Older than the camera allows when the model is free for it at last. */
function isStale({ name, slots, settings }: CameraLine, { capturedSteadyMs }: FrameLease): boolean {
  const { maxFrameAgeMs } = settings.now.config.cameras[name]!;
  if (maxFrameAgeMs === undefined || slots.policy !== 'newest') return false;
  return performance.now() - capturedSteadyMs > maxFrameAgeMs;
}

/** Frames wait in their slots until the model of the settings in force can answer. */
async function modelReady(line: CameraLine, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { now, superseded } = line.settings;
    const { model } = now.sets.own;
    if (!now.sets.hasOneModel || model.isReady) return;
    await model.whenReady(AbortSignal.any([signal, superseded]));
    if (line.settings.now === now) return;
  }
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
  const settings = line.settings.now;
  const origin = originOf(line, settings, refused, { width: 0, height: 0 });
  const { model } = setOf(line, settings, refused);
  if (!model.status().identity) await model.whenReady(signal);
  const { identity } = model.status();
  if (!identity) return;
  const { error } = refused;
  const result = composeErrorResult(origin, identity, error);
  await line.keep({ frame: refused, result, settings, end: 'unreadable', error });
}

const setOf = (line: CameraLine, { sets }: FrameSettings, frame: FrameReference): JudgingSet =>
  sets.of(line.contextOf(frame));

const originOf = (
  line: CameraLine,
  { config, sets }: FrameSettings,
  frame: FrameReference,
  size: Size,
): ResultOrigin => {
  const context = line.contextOf(frame);
  const { product } = sets.of(context);
  return {
    thing: config.thing,
    camera: line.name,
    frame: { ...frame, width: size.width, height: size.height },
    takenAtMs: performance.now(),
    ...(context ? { context } : {}),
    ...(product ? { product } : {}),
  };
};

/** The version that was asked is replaced, or going. */
const PASSING: ReadonlySet<string> = new Set(['MODEL_NOT_READY', 'SHUTTING_DOWN']);

/** A frame with the settings that it is judged by. */
interface AskedFrame {
  readonly frame: FrameLease;
  readonly settings: FrameSettings;
  readonly set: JudgingSet;
  readonly scene: CameraScene | undefined;
  readonly origin: ResultOrigin;
  readonly request: InferenceRequest;
}

/** What came of a frame, and the version of the model that it came of. */
export interface Seen {
  readonly asked: AskedFrame;
  readonly answer: InferenceAnswer | VedetteError;
  readonly version: ServingModel;
}

/** By the settings that are in force now, and by later ones only when the model of these is gone. */
export async function seeFrame(
  line: CameraLine,
  frame: FrameLease,
  signal: AbortSignal,
): Promise<Seen | 'abandoned' | 'stopped'> {
  for (;;) {
    const settings = line.settings.now;
    const set = setOf(line, settings, frame);
    const scene = await line.sceneFor(settings);
    const request: InferenceRequest = {
      image: { kind: 'frame', frame },
      view: set.view,
      thresholds: scene?.thresholdsFor(set) ?? set.thresholds,
      wantsAnomalyMap: line.hasViewers(),
    };
    const origin = {
      ...originOf(line, settings, frame, frame.scaledFrom ?? frame),
      ...(frame.scaledFrom ? { scaledTo: turnedSize(frame, set.view) } : {}),
    };
    const seen = await see(line, { frame, settings, set, scene, origin, request }, signal);
    if (seen !== 'superseded') return seen;
  }
}

/**
 * The model's answer, or the error that the frame ends with. A model that is being replaced is waited
 * for; a frame during which a worker died is tried once more. Each try asks anew which version it is.
 */
async function see(
  line: CameraLine,
  asked: AskedFrame,
  signal: AbortSignal,
): Promise<Seen | 'abandoned' | 'stopped' | 'superseded'> {
  const { frame, set, request, settings } = asked;
  let lostWorkers = 0;
  while (!signal.aborted) {
    if (line.isAbandoned(frame)) return 'abandoned';
    const version = servingFor(set.model, line.name);
    const refusal = line.scaling.refuse(frame, set.view, version);
    if (refusal === 'opened-anew') return 'abandoned';
    if (refusal !== undefined) return { answer: refusal, version, asked };
    try {
      return { answer: await inferPicture(version, request, set.tiling), version, asked };
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'INFERENCE_FAILED');
      // Else the version alone has gone, and another one answers.
      if (error.code === 'SHUTTING_DOWN' && set.model.isClosed) {
        return line.settings.now === settings ? 'stopped' : 'superseded';
      }
      if (error.code === 'WORKER_LOST') lostWorkers += 1;
      const isWorthTrying = error.code === 'WORKER_LOST' && lostWorkers === 1;
      if (!PASSING.has(error.code) && !isWorthTrying) return { answer: error, version, asked };
      const isCurrent = line.settings.now === settings;
      const { superseded } = line.settings;
      await set.model.whenReady(isCurrent ? AbortSignal.any([signal, superseded]) : signal);
      if (!set.model.isReady && line.settings.now !== settings) return 'superseded';
    }
  }
  return 'stopped';
}

function judgeSeen(
  line: CameraLine,
  { asked, answer, version }: Seen,
  scene: SeenScene | undefined,
): NewResult {
  const { origin, set } = asked;
  if (!(answer instanceof VedetteError)) {
    const findings = scene
      ? { ...answer.findings, detections: [...scene.detections] }
      : answer.findings;
    const verdict = verdictOf(asked, findings, { version, scene, context: origin.context });
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
  { set, settings }: AskedFrame,
  findings: Findings,
  { version, scene, context }: Evidence,
): Verdict {
  if (set.review !== undefined) return { outcome: 'review', reason: set.review };
  return judge(set.rules, findings, version.package?.labels, {
    zones: settings.zones,
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
