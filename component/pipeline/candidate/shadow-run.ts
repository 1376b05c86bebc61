import { VedetteError } from '../../contract/errors.ts';
import type { Disagreement, ShadowFigures, Tally } from '../../contract/model-lifecycle.ts';
import type { InferenceAnswer } from '../../contract/ports.ts';
import type { ModelIdentity, Verdict } from '../../contract/result.ts';
import type { ShadowResult } from '../../contract/verdict-comparison.ts';
import type { Candidate } from '../../inference/versions/version-set.ts';
import { median, quantile } from './rate-interval.ts';
import type { SeenFrame } from './seen-frame.ts';

const MAX_DISAGREEMENTS = 20;
const MAX_TIMES = 500;

/**
 * Shows a candidate the frames that the active version has judged, and compares. At most one frame of
 * a camera is with it at a time; frames that come meanwhile are left out and counted, so that it
 * never holds up what acts.
 */
export class ShadowRun {
  readonly #model: string;
  readonly #candidate: Candidate;
  readonly #store: (shadow: ShadowResult) => Promise<boolean>;
  readonly #busy = new Set<string>();
  readonly #cameras = new Map<string, { compared: number; agreed: number }>();
  readonly #activeMs: number[] = [];
  readonly #candidateMs: number[] = [];
  #disagreements: readonly Disagreement[] = [];
  #dropped = 0;
  #failed = 0;
  #lastFailure: VedetteError | undefined;

  /** @param store keeps a comparison; false when the result that it belongs to has gone */
  constructor(
    model: string,
    candidate: Candidate,
    store: (shadow: ShadowResult) => Promise<boolean>,
  ) {
    this.#model = model;
    this.#candidate = candidate;
    this.#store = store;
  }

  /** Must be called while the frame is held. Never throws, and settles when the frame is compared. */
  async show(frame: SeenFrame): Promise<void> {
    const { camera } = frame;
    const { generation } = this.#candidate;
    const { identity } = generation;
    if (
      !identity ||
      !generation.isReady ||
      this.#busy.has(camera) ||
      !frame.mayBeShown(generation)
    ) {
      this.#dropped += 1;
      return;
    }
    this.#busy.add(camera);
    const begin = performance.now();
    let answer: InferenceAnswer | VedetteError;
    try {
      answer = await frame.show(generation);
    } catch (thrown) {
      answer = VedetteError.from(thrown, 'INFERENCE_FAILED');
    }
    this.#busy.delete(camera);
    if (answer instanceof VedetteError && answer.code === 'SHUTTING_DOWN') return;
    await this.#compare(frame, identity, answer, performance.now() - begin);
  }

  figures(): ShadowFigures {
    const cameras = Object.fromEntries(this.#cameras);
    const total = (of: keyof Tally) =>
      [...this.#cameras.values()].reduce((sum, tally) => sum + tally[of], 0);
    return {
      compared: total('compared'),
      agreed: total('agreed'),
      cameras,
      dropped: this.#dropped,
      failed: this.#failed,
      ...(this.#lastFailure ? { lastFailure: this.#lastFailure.serialize() } : {}),
      ...latency('activeMs', this.#activeMs),
      ...latency('candidateMs', this.#candidateMs),
      disagreements: this.#disagreements,
    };
  }

  async #compare(
    frame: SeenFrame,
    candidate: ModelIdentity,
    answer: InferenceAnswer | VedetteError,
    totalMs: number,
  ): Promise<void> {
    const { camera, result } = frame;
    const isFailure = answer instanceof VedetteError;
    if (isFailure) {
      this.#failed += 1;
      this.#lastFailure = answer;
    } else {
      const { preprocessMs, runMs, decodeMs } = answer.timings;
      const active = result.timings;
      push(this.#candidateMs, preprocessMs + runMs + decodeMs);
      push(this.#activeMs, active.preprocessMs + active.runMs + active.decodeMs);
    }
    const verdict: Verdict = isFailure
      ? { outcome: 'error', reason: `${answer.code}: ${answer.message}` }
      : frame.judge(answer.findings, this.#candidate.generation);
    const activeOutcome = result.verdict.outcome;
    const tally = this.#cameras.get(camera) ?? { compared: 0, agreed: 0 };
    tally.compared += 1;
    if (verdict.outcome === activeOutcome) tally.agreed += 1;
    else {
      const one = {
        resultId: result.id,
        camera,
        active: activeOutcome,
        candidate: verdict.outcome,
      };
      this.#disagreements = [one, ...this.#disagreements].slice(0, MAX_DISAGREEMENTS);
    }
    this.#cameras.set(camera, tally);
    // A comparison belongs to a stored result.
    await frame.kept;
    await this.#store({
      resultId: result.id,
      model: this.#model,
      camera,
      candidate,
      activeOutcome,
      verdict,
      findings: isFailure
        ? { error: { code: answer.code, message: answer.message } }
        : answer.findings,
      timings: { queueMs: isFailure ? 0 : answer.timings.queueMs, totalMs },
    });
  }
}

function push(times: number[], value: number): void {
  times.push(value);
  if (times.length > MAX_TIMES) times.shift();
}

function latency<K extends string>(key: K, times: readonly number[]) {
  const [middle, p95] = [median(times), quantile(times, 0.95)];
  if (middle === undefined || p95 === undefined) return {};
  return { [key]: { median: middle, p95 } } as Record<K, { median: number; p95: number }>;
}
