import { VedetteError } from '../contract/errors.ts';
import type { ModelState } from '../contract/ports.ts';

/** What a version of a model is doing, since when, and why it is not ready. Nothing follows `closed`. */
export class GenerationState {
  readonly #model: string;
  readonly #onChange: () => void;
  #now: ModelState = 'loading';
  #sinceMs = Date.now();
  #reason: VedetteError | undefined;

  /** @param onChange told after each `set`. Must not throw */
  constructor(model: string, onChange: () => void) {
    this.#model = model;
    this.#onChange = onChange;
  }

  get now(): ModelState {
    return this.#now;
  }

  /** Milliseconds since 1970. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  get reason(): VedetteError | undefined {
    return this.#reason;
  }

  set(state: ModelState, reason?: VedetteError): void {
    if (this.#now === 'closed') return;
    if (this.#now !== state) {
      this.#now = state;
      this.#sinceMs = Date.now();
    }
    this.#reason = reason;
    this.#onChange();
  }

  /** What is told to who asks while it is not ready: SHUTTING_DOWN or MODEL_NOT_READY. */
  refusal(): VedetteError {
    const [model, state, reason] = [this.#model, this.#now, this.#reason];
    if (state === 'closed') {
      return new VedetteError('SHUTTING_DOWN', `model '${model}' is being closed`);
    }
    const why = reason ? `: ${reason.message}` : '';
    return new VedetteError(
      'MODEL_NOT_READY',
      `model '${model}' is ${state}, expected ready${why}`,
      { details: { model, state, ...(reason ? { reason: reason.code } : {}) } },
    );
  }
}
