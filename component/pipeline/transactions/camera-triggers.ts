import { VedetteError, type ErrorCode } from '../../contract/errors.ts';
import type { NewResult } from '../../contract/ports.ts';
import type { InferenceResult } from '../../contract/result.ts';
import {
  MAX_TRIGGER_ID_LENGTH,
  type TransactionEnd,
  type TransactionEnding,
  type TriggerAnswer,
  type TriggerRequest,
  type TriggerStatus,
} from '../../contract/transaction.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { Registry } from '../../registry/registry.ts';
import { settledWithin } from '../../timing/settled-within.ts';
import type { FrameSettings } from '../frame-settings.ts';
import type { JudgedFrame, KeepResult } from '../judged-frame.ts';
import type { DecidedBy, TransactionMetrics } from '../transaction-metrics.ts';
import { STALL_MS } from '../result-storage.ts';
import { composeFailSafe, NO_FRAME, unknownModel } from './compose-fail-safe.ts';
import type { FrameHolds } from './frame-uses.ts';
import type { Transaction } from './transaction.ts';
import { TransactionBook } from './transaction-book.ts';
import { TransactionWrites } from './transaction-writes.ts';
import {
  memorable,
  storedAnswer,
  type RememberedTrigger,
  type TriggerMemory,
} from './trigger-memory.ts';

/** Of fail-safe verdicts, by their reason; any other is that the context could not be completed. */
const DECIDED_BY: Partial<Record<ErrorCode, DecidedBy>> = {
  TRIGGER_DEADLINE_PASSED: 'deadline',
  TRIGGER_INTERRUPTED: 'stop',
};

export interface CameraTriggersOptions {
  readonly camera: string;
  readonly settings: () => FrameSettings;
  readonly frames: FrameHolds;
  readonly registry: Registry;
  readonly memory: TriggerMemory;
  readonly faults: FaultLog;
  readonly metrics: Pick<TransactionMetrics, 'count'>;
  /** State and trouble of the source, in words. */
  readonly describeSource: () => string;
  readonly keep: KeepResult;
  /** The camera stops. */
  readonly signal: AbortSignal;
}

interface Decided {
  readonly transaction: Transaction;
  readonly end: TransactionEnd;
  readonly result: NewResult;
  /** Its asker has been told. */
  isTold: boolean;
  /** Its end on the way to the registry; settled when it has none there. */
  closing?: Promise<void>;
}

/** A camera's triggers: opened, answered in time whatever happens, and each end stored. */
export class CameraTriggers {
  readonly book: TransactionBook;
  readonly #options: CameraTriggersOptions;
  /** Decided transactions whose result is on its way to the disk, or whose asker has no answer yet, by its id. */
  readonly #decided = new Map<string, Decided>();
  readonly #writes: TransactionWrites;

  constructor(options: CameraTriggersOptions) {
    this.#options = options;
    this.#writes = new TransactionWrites(options);
    this.book = new TransactionBook({
      camera: options.camera,
      config: () => this.#config,
      frames: options.frames,
      describe: (transaction) => this.#describe(transaction),
      onFailSafe: (transaction, why) => this.#failSafe(transaction, why),
      onReplaced: (transaction, why) => this.#replace(transaction, why),
    });
  }

  get #config() {
    const { camera, settings } = this.#options;
    return settings().config.cameras[camera]!.trigger;
  }

  status(): TriggerStatus {
    return this.book.status();
  }

  /**
   * Opens a transaction, or finds the one of the same id. The same answer is given to both.
   * @throws VedetteError REQUEST_INVALID, TRIGGER_DROPPED, SHUTTING_DOWN
   */
  trigger(request: TriggerRequest): TriggerAnswer {
    const { id } = request;
    if (id !== undefined && (id.length === 0 || id.length > MAX_TRIGGER_ID_LENGTH)) {
      const message = `the id of a trigger has 1 to ${MAX_TRIGGER_ID_LENGTH} characters, got ${id.length}`;
      throw new VedetteError('REQUEST_INVALID', message);
    }
    const known = id === undefined ? undefined : this.#recall(id);
    if (known) return known;
    const transaction = this.book.open(request);
    request.arriving?.then(
      (context) => this.book.arrive(transaction, context),
      (thrown: unknown) =>
        this.#failSafe(transaction, VedetteError.from(thrown, 'FIELD_DEVICE_OFFLINE')),
    );
    return this.#answerOf(transaction, this.opened(transaction));
  }

  /** To be told of each transaction at once. Resolves when it ends in the registry after a kill too. */
  opened(transaction: Transaction): Promise<void> {
    const { camera, memory } = this.#options;
    const model = this.#modelOf(transaction).name;
    const record = transaction.record(camera, model);
    const written = this.#writes.open(record, transaction.request.isPromised === true);
    if (transaction.request.id !== undefined) {
      memory.remember({
        openedAtMs: transaction.openedAtMs,
        openedSteadyMs: transaction.openedSteadyMs,
        transaction: memorable(record),
        written,
        answer: () => transaction.answer(),
      });
    }
    return written;
  }

  /** It was judged in time; the result is given to be stored next. */
  decided(transaction: Transaction, result: NewResult): void {
    this.#decide(transaction, result, 'answer');
  }

  /**
   * A result is on the disk: its transaction may end there. One that ended before its result was there
   * would have none after a kill.
   */
  stored(resultId: string): void {
    const decided = this.#decided.get(resultId);
    if (decided === undefined) return;
    const { transaction, end, result } = decided;
    decided.closing = this.#endInRegistry(transaction, end, result);
    if (decided.isTold) this.#decided.delete(resultId);
  }

  /** A result was given up: its transaction stays open, and ends fail-safe at the next start. */
  notStored(resultId: string): void {
    const decided = this.#decided.get(resultId);
    if (decided === undefined) return;
    decided.closing = Promise.resolve();
    if (decided.isTold) this.#decided.delete(resultId);
  }

  /** What became of each result of the camera, as far as is known when it is told. */
  kept({ result }: JudgedFrame, kept: InferenceResult | VedetteError): void {
    const decided = this.#decided.get(result.id);
    if (decided === undefined) return;
    const { transaction, closing = Promise.resolve() } = decided;
    decided.isTold = true;
    if (decided.closing !== undefined) this.#decided.delete(result.id);
    const stored = kept instanceof VedetteError ? result : kept;
    this.#options.memory.settle(transaction, storedAnswer(this.#options.registry, stored));
    // The verdict holds whether or not its end could be recorded.
    void settledWithin(closing, STALL_MS).then(() => transaction.keep(stored));
  }

  /** The camera stops: what is open gets its fail-safe verdict. */
  end(): void {
    this.book.end();
  }

  /** Resolves when nothing waits to be recorded. */
  settled(): Promise<void> {
    return this.#writes.settled();
  }

  #recall(id: string): TriggerAnswer | undefined {
    const remembered = this.#options.memory.recall(id, this.#config.repeatWindowMs);
    if (remembered === undefined) return undefined;
    this.book.countRepeated();
    return this.#repeat(remembered);
  }

  #repeat({ openedAtMs, transaction, written, answer }: RememberedTrigger): TriggerAnswer {
    const { camera } = this.#options;
    const { id, triggerId, deadlineMs } = transaction;
    const given = answer();
    given.catch(() => {});
    const accepted = acceptedWithin(written, transaction);
    return {
      transaction: { id, triggerId, camera, openedAtMs, deadlineMs },
      isRepeated: true,
      accepted,
      verdict: given,
      answer: given,
    };
  }

  #answerOf(transaction: Transaction, written: Promise<void>): TriggerAnswer {
    const { camera } = this.#options;
    const { id, triggerId, openedAtMs, config, verdict } = transaction;
    const accepted = acceptedWithin(written, { triggerId, deadlineMs: config.deadlineMs });
    const answer = transaction.answer();
    answer.catch(() => {});
    return {
      transaction: { id, triggerId, camera, openedAtMs, deadlineMs: config.deadlineMs },
      isRepeated: false,
      accepted,
      verdict,
      answer,
    };
  }

  #modelOf({ context }: Transaction) {
    return this.#options.settings().sets.of(context).model;
  }

  #failSafe(transaction: Transaction, why: VedetteError): void {
    if (transaction.isEnded) return;
    const { camera, settings, faults, keep } = this.#options;
    const now = settings();
    const { context, given, config } = transaction;
    const { product, model } = now.sets.of(context);
    const reference = given ?? {
      sequence: NO_FRAME,
      capturedAtMs: transaction.openedAtMs,
      width: 0,
      height: 0,
    };
    const origin = {
      thing: now.config.thing,
      camera,
      frame: reference,
      takenAtMs: performance.now() - transaction.elapsedMs,
      ...(context ? { context } : {}),
      ...(product ? { product } : {}),
    };
    const identity = model.status().identity ?? unknownModel(model.name);
    const result = {
      ...composeFailSafe(origin, identity, config.failSafe, why),
      ...transaction.reference(true),
    };
    faults.warn(
      `trigger/${camera}/${why.code}`,
      { camera, triggerId: transaction.triggerId, error: why },
      'a trigger got its fail-safe verdict',
    );
    this.#decide(transaction, result, DECIDED_BY[why.code] ?? 'incomplete');
    const { sequence, capturedAtMs } = reference;
    const { fileName, capturedSteadyMs = transaction.openedSteadyMs } = given ?? {};
    const frame = {
      ...{ sequence, capturedAtMs, capturedSteadyMs },
      ...(fileName === undefined ? {} : { fileName }),
    };
    void keep({ frame, result, settings: now, end: 'judged', isCountedBefore: true });
  }

  #replace(transaction: Transaction, why: VedetteError): void {
    if (!transaction.end(why)) return;
    this.book.close(transaction, 'replaced');
    this.#options.memory.forget(transaction.triggerId);
    void this.#endInRegistry(transaction, 'dropped', undefined, 'replaced');
  }

  #decide(transaction: Transaction, result: NewResult, by: DecidedBy): void {
    const isAnswer = by === 'answer';
    const end = isAnswer ? 'answered' : 'fail-safe';
    this.#decided.set(result.id, { transaction, end, result, isTold: false });
    transaction.end(result);
    this.book.close(transaction, isAnswer ? 'answered' : 'failSafe');
    const { camera, metrics } = this.#options;
    metrics.count(camera, result.verdict.outcome, by, transaction.elapsedMs);
  }

  #endInRegistry(
    transaction: Transaction,
    end: TransactionEnd,
    result: NewResult | undefined,
    reason = result?.verdict.reason,
  ): Promise<void> {
    return this.#writes.end({
      id: transaction.id,
      end,
      endedAtMs: Date.now(),
      ...(reason === undefined ? {} : { reason }),
      ...(result ? { resultId: result.id, outcome: result.verdict.outcome } : {}),
      ...this.#arrived(transaction),
      isPromised: transaction.request.isPromised === true,
    });
  }

  #arrived(transaction: Transaction): Pick<TransactionEnding, 'arrived'> {
    const { context, hasArrived } = transaction;
    if (!hasArrived || context === undefined) return {};
    return { arrived: { context, model: this.#modelOf(transaction).name } };
  }

  #describe(transaction: Transaction): string {
    const { describeSource } = this.#options;
    if (!transaction.isComplete) return 'its product has not been read yet';
    if (transaction.state === 'waiting-for-frame') {
      return `no frame captured within ${transaction.config.afterMs} ms after the trigger came; ${describeSource()}`;
    }
    const { name, state } = this.#modelOf(transaction).status();
    if (state !== 'ready') return `model ${name} is ${state}`;
    return transaction.state === 'judging'
      ? `model ${name} has not answered yet`
      : `the frame waits for model ${name}, which judges others`;
  }
}

/** Who waits for a trigger to be on the disk waits no longer than for its verdict. */
function acceptedWithin(
  written: Promise<void>,
  { triggerId, deadlineMs }: Pick<RememberedTrigger['transaction'], 'triggerId' | 'deadlineMs'>,
): Promise<void> {
  const accepted = settledWithin(written, deadlineMs).then((isSettled) => {
    if (isSettled) return written;
    const message = `the disk did not take trigger ${triggerId} within its deadline of ${deadlineMs} ms; it is judged all the same, and asking again with the same id finds it`;
    throw new VedetteError('REGISTRY_UNAVAILABLE', message);
  });
  // Nobody may wait for it.
  accepted.catch(() => {});
  return accepted;
}
