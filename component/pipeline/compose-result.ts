import { v7 as uuidv7 } from 'uuid';
import type { VedetteError } from '../contract/errors.ts';
import type { Size } from '../contract/frame.ts';
import type { FrameReference, InferenceAnswer, NewResult } from '../contract/ports.ts';
import type { ModelIdentity, ResultProduct, Tracking, Verdict } from '../contract/result.ts';

/** Where a judged picture came from. */
export interface ResultOrigin {
  readonly thing: string;
  readonly camera?: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly product?: ResultProduct;
  readonly frame: Size & FrameReference;
  /** What the upright picture was scaled to before it came here. */
  readonly scaledTo?: Size;
  /** `performance.now()` when the frame was taken up. */
  readonly takenAtMs: number;
}

const common = (origin: ResultOrigin) => ({
  schemaVersion: 1 as const,
  id: uuidv7(),
  thing: origin.thing,
  ...(origin.camera === undefined ? {} : { camera: origin.camera }),
  ...(origin.context === undefined ? {} : { context: { ...origin.context } }),
  ...(origin.product === undefined ? {} : { product: origin.product }),
});

function frameOf({ frame, scaledTo }: ResultOrigin, { width, height }: Size): NewResult['frame'] {
  const { sequence, capturedAtMs, ntpMs, captureClock = 'arrival', fileName } = frame;
  return {
    sequence,
    capturedAt: new Date(ntpMs ?? capturedAtMs).toISOString(),
    captureClock: ntpMs === undefined ? captureClock : 'ntp',
    ...{ width, height },
    ...(scaledTo === undefined ? {} : { scaledTo: { ...scaledTo } }),
    ...(fileName === undefined ? {} : { fileName }),
  };
}

export function composeResult(
  origin: ResultOrigin,
  answer: InferenceAnswer,
  verdict: Verdict,
  tracking?: Tracking,
): NewResult {
  return {
    ...common(origin),
    model: answer.model,
    frame: frameOf(origin, answer.picture),
    ...answer.findings,
    ...(tracking ? { tracking } : {}),
    ...(answer.steps ? { steps: answer.steps } : {}),
    verdict,
    timings: { ...answer.timings, totalMs: elapsed(origin) },
  };
}

/** A frame that got no answer still gets a result: its outcome is `error`, never an empty scene. */
export function composeErrorResult(
  origin: ResultOrigin,
  model: ModelIdentity,
  error: VedetteError,
): NewResult {
  return {
    ...common(origin),
    model,
    frame: frameOf(origin, origin.frame),
    error: { code: error.code, message: error.message },
    verdict: { outcome: 'error', reason: `${error.code}: ${error.message}` },
    timings: { queueMs: 0, preprocessMs: 0, runMs: 0, decodeMs: 0, totalMs: elapsed(origin) },
  };
}

const elapsed = (origin: ResultOrigin): number => performance.now() - origin.takenAtMs;
