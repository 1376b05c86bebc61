import { v7 as uuidv7 } from 'uuid';
import type { FrameLease } from '../../contract/frame.ts';
import type { NewResult } from '../../contract/ports.ts';
import type { InferenceResult } from '../../contract/result.ts';
import type { TransactionConfig } from '../../contract/transaction-config.ts';
import type { TransactionRecord, TriggerRequest } from '../../contract/transaction.ts';
import type { VedetteError } from '../../contract/errors.ts';

/** Wall time for people, steady time for order and intervals: the wall clock may be set. */
export interface Clock {
  readonly wallMs: () => number;
  readonly steadyMs: () => number;
}

export const SYSTEM_CLOCK: Clock = {
  wallMs: () => Date.now(),
  steadyMs: () => performance.now(),
};

export type TransactionState = 'waiting-for-frame' | 'waiting-for-model' | 'judging' | 'ended';

/** A trigger on its way to its verdict. Who holds it moves it on; it ends once. */
export class Transaction {
  readonly id = uuidv7();
  readonly triggerId: string;
  readonly request: TriggerRequest;
  readonly config: TransactionConfig;
  readonly openedAtMs: number;
  readonly openedSteadyMs: number;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  readonly #verdict = Promise.withResolvers<NewResult>();
  readonly #stored = Promise.withResolvers<InferenceResult>();
  #arrived: Readonly<Record<string, unknown>> | undefined;
  state: TransactionState = 'waiting-for-frame';
  /** The frame that is judged; whoever takes it from here gives it back. */
  frame: FrameLease | undefined;
  /** The one that it was given, also when it was taken. */
  given: FrameLease | undefined;
  /** The newest one from before the trigger, as long as a nearer one may come. */
  before: FrameLease | undefined;
  deadline: NodeJS.Timeout | undefined;
  nearest: NodeJS.Timeout | undefined;

  constructor(request: TriggerRequest, config: TransactionConfig, clock: Clock) {
    this.request = request;
    this.triggerId = request.id ?? this.id;
    this.config = config;
    this.#clock = clock;
    this.openedAtMs = clock.wallMs();
    this.openedSteadyMs = clock.steadyMs();
    // Nobody may wait for either.
    this.#verdict.promise.catch(() => {});
    this.#stored.promise.catch(() => {});
  }

  /** That of its request, with what arrived later. */
  get context(): TriggerRequest['context'] {
    const { context } = this.request;
    return this.#arrived ? { ...context, ...this.#arrived } : context;
  }

  /** Whether its context is all there, so that it may be judged. */
  get isComplete(): boolean {
    return this.request.arriving === undefined || this.#arrived !== undefined;
  }

  get hasArrived(): boolean {
    return this.#arrived !== undefined;
  }

  arrive(context: Readonly<Record<string, unknown>>): void {
    this.#arrived = context;
  }

  get elapsedMs(): number {
    return this.#clock.steadyMs() - this.openedSteadyMs;
  }

  get isEnded(): boolean {
    return this.state === 'ended';
  }

  /** Aborted when it has ended, however. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get verdict(): Promise<NewResult> {
    return this.#verdict.promise;
  }

  get stored(): Promise<InferenceResult> {
    return this.#stored.promise;
  }

  /** @returns false when it had ended before */
  end(verdict: NewResult | VedetteError): boolean {
    if (this.isEnded) return false;
    this.state = 'ended';
    clearTimeout(this.deadline);
    clearTimeout(this.nearest);
    if (verdict instanceof Error) {
      this.#verdict.reject(verdict);
      this.#stored.reject(verdict);
    } else {
      this.#verdict.resolve(verdict);
    }
    this.#ended.abort();
    return true;
  }

  /** What is known of the result after it was tried to be stored. */
  keep(result: InferenceResult): void {
    this.#stored.resolve(result);
  }

  /** The stored verdict, or at the deadline the one without its number. */
  async answer(): Promise<InferenceResult> {
    const verdict = await this.verdict;
    const leftMs = Math.max(0, this.config.deadlineMs - this.elapsedMs);
    const late = Promise.withResolvers<InferenceResult>();
    const timer = setTimeout(() => late.resolve(verdict), leftMs);
    try {
      return await Promise.race([this.stored, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  record(camera: string, model: string): TransactionRecord {
    const { context, request } = this;
    const { source } = request;
    return {
      id: this.id,
      camera,
      triggerId: this.triggerId,
      source,
      ...(context ? { context } : {}),
      openedAtMs: this.openedAtMs,
      deadlineMs: this.config.deadlineMs,
      failSafe: this.config.failSafe,
      model,
    };
  }

  /** What its result says of it. The result has its id: there is one at most, also after a kill. */
  reference(isFailSafe: boolean): Pick<NewResult, 'id' | 'triggerId' | 'transaction'> {
    return {
      id: this.id,
      triggerId: this.triggerId,
      transaction: {
        id: this.id,
        source: this.request.source,
        triggeredAt: new Date(this.openedAtMs).toISOString(),
        deadlineMs: this.config.deadlineMs,
        elapsedMs: this.elapsedMs,
        ...(this.given ? { frameDelayMs: this.given.capturedSteadyMs - this.openedSteadyMs } : {}),
        isFailSafe,
      },
    };
  }
}
