import { VedetteError } from '../../contract/errors.ts';
import type { FrameLease } from '../../contract/frame.ts';
import type { TransactionConfig } from '../../contract/transaction-config.ts';
import type {
  TriggerDropReason,
  TriggerRequest,
  TriggerStatus,
} from '../../contract/transaction.ts';
import { matchFrame } from './frame-match.ts';
import { FrameUses, type FrameHolds } from './frame-uses.ts';
import { SYSTEM_CLOCK, Transaction, type Clock } from './transaction.ts';

export interface TransactionBookOptions {
  readonly camera: string;
  readonly config: () => TransactionConfig;
  readonly frames: FrameHolds;
  /** Its deadline passed, or its camera stops: a fail-safe verdict is due. Must not throw. */
  readonly onFailSafe: (transaction: Transaction, why: VedetteError) => void;
  /** Another one took its place. Must not throw. */
  readonly onReplaced: (transaction: Transaction, why: VedetteError) => void;
  /** What the camera and its model are doing, for the reason of a fail-safe verdict. */
  readonly describe: (transaction: Transaction) => string;
  readonly clock?: Clock;
}

export interface AskedFor {
  readonly transaction: Transaction;
  readonly frame: FrameLease;
}

/** The open triggers of a camera: which frame belongs to which, and what gives way when it is busy. */
export class TransactionBook {
  readonly #options: TransactionBookOptions;
  readonly #clock: Clock;
  readonly #frames: FrameUses;
  /** In the order in which they came; what ended leaves. */
  readonly #open = new Set<Transaction>();
  #recent: FrameLease | undefined;
  #counts = { answered: 0, failSafe: 0, repeated: 0, late: 0 };
  readonly #dropped: Record<TriggerDropReason, number> = {
    busy: 0,
    'queue-full': 0,
    replaced: 0,
    invalid: 0,
  };
  #isClosed = false;
  #waiters: (() => void)[] = [];

  constructor(options: TransactionBookOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#frames = new FrameUses(options.frames);
  }

  status(): TriggerStatus {
    return { open: this.#open.size, ...this.#counts, dropped: { ...this.#dropped } };
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Whether one more would be taken without another one giving way. */
  get hasRoom(): boolean {
    const { whenBusy, maxQueued } = this.#options.config();
    return this.#open.size < (whenBusy === 'queue' ? maxQueued + 1 : 1);
  }

  /** @throws VedetteError TRIGGER_DROPPED, SHUTTING_DOWN */
  open(request: TriggerRequest): Transaction {
    if (this.#isClosed) {
      throw new VedetteError('SHUTTING_DOWN', `Camera ${this.#options.camera} is being stopped`);
    }
    const config = this.#options.config();
    this.#makeRoom(config);
    const transaction = new Transaction(request, config, this.#clock);
    this.#open.add(transaction);
    transaction.deadline = setTimeout(() => this.#expire(transaction), config.deadlineMs);
    if (this.#recent) this.#offerTo(transaction, this.#recent);
    return transaction;
  }

  /** A frame came, which is taken over. */
  offer(frame: FrameLease): void {
    this.#frames.adopt(frame);
    for (const transaction of this.#open) this.#offerTo(transaction, frame);
    const isCandidate = this.#options.config().beforeMs > 0 && !this.#isClosed;
    const old = this.#recent;
    this.#recent = isCandidate ? frame : undefined;
    if (old) this.#frames.release(old);
    if (!isCandidate) this.#frames.release(frame);
  }

  /** The frame is its own trigger; it is taken over unless this throws. @throws as `open` */
  openWith(frame: FrameLease, request: TriggerRequest): Transaction {
    const transaction = this.open(request);
    this.#give(transaction, this.#frames.adopt(frame));
    return transaction;
  }

  /** The oldest that has its frame, which goes to the caller; nothing when `signal` was aborted. */
  async next(signal: AbortSignal): Promise<AskedFor | undefined> {
    while (!signal.aborted) {
      for (const transaction of this.#open) {
        const { frame } = transaction;
        if (transaction.state !== 'waiting-for-model' || frame === undefined) continue;
        if (!transaction.isComplete) continue;
        transaction.state = 'judging';
        transaction.frame = undefined;
        return { transaction, frame };
      }
      await this.#changed(signal);
    }
    return undefined;
  }

  /** What was missing of its context is there. */
  arrive(transaction: Transaction, context: Readonly<Record<string, unknown>>): void {
    if (transaction.isEnded) return;
    transaction.arrive(context);
    this.#tell();
  }

  /**
   * To be told of each frame that `next` gave, while it is still held.
   * @returns whether its verdict is the first of this frame, which counts as judged then
   */
  endFrame(frame: FrameLease, isJudged: boolean): boolean {
    return this.#frames.end(frame, isJudged);
  }

  /** Resolves when one more would be taken. */
  async room(signal: AbortSignal): Promise<void> {
    while (!this.hasRoom && !signal.aborted) await this.#changed(signal);
  }

  /** It has its verdict or was replaced. What it held and was not taken is given back. */
  close(transaction: Transaction, as: 'answered' | 'failSafe' | 'replaced'): void {
    this.#open.delete(transaction);
    if (as === 'replaced') this.#dropped.replaced += 1;
    else this.#counts[as] += 1;
    this.#release(transaction);
    this.#tell();
  }

  countRepeated(): void {
    this.#counts.repeated += 1;
  }

  countLate(): void {
    this.#counts.late += 1;
  }

  countDropped(reason: TriggerDropReason): void {
    this.#dropped[reason] += 1;
  }

  /** Each open trigger gets its fail-safe verdict now, and no more are taken. */
  end(): void {
    this.#isClosed = true;
    for (const transaction of [...this.#open]) {
      const message = `camera ${this.#options.camera} was stopped while trigger ${transaction.triggerId} was open`;
      this.#options.onFailSafe(transaction, new VedetteError('TRIGGER_INTERRUPTED', message));
    }
    if (this.#recent) this.#frames.release(this.#recent);
    this.#recent = undefined;
  }

  #makeRoom(config: TransactionConfig): void {
    const { whenBusy, maxQueued } = config;
    if (this.hasRoom) return;
    const { camera } = this.#options;
    if (whenBusy !== 'replace') {
      this.countDropped(whenBusy === 'drop' ? 'busy' : 'queue-full');
      const limit = whenBusy === 'drop' ? 1 : maxQueued + 1;
      throw new VedetteError(
        'TRIGGER_DROPPED',
        `${this.#open.size} triggers of camera ${camera} are open, at most ${limit} may be`,
      );
    }
    for (const waiting of [...this.#open]) {
      if (waiting.state === 'judging') continue;
      const message = `a newer trigger of camera ${camera} took the place of ${waiting.triggerId}`;
      this.#options.onReplaced(waiting, new VedetteError('TRIGGER_REPLACED', message));
    }
  }

  #offerTo(transaction: Transaction, frame: FrameLease): void {
    if (transaction.state !== 'waiting-for-frame') return;
    const match = matchFrame(frame, transaction);
    if (match.kind === 'outside') return;
    const { before } = transaction;
    if (match.kind === 'before') {
      if (before) this.#frames.release(before);
      transaction.before = this.#frames.retain(frame);
      clearTimeout(transaction.nearest);
      // What comes later than this cannot be nearer.
      const leftMs = Math.max(0, match.distanceMs - transaction.elapsedMs);
      transaction.nearest = setTimeout(() => this.#takeBefore(transaction), leftMs);
      return;
    }
    const distanceBefore = before && matchFrame(before, transaction);
    if (distanceBefore?.kind === 'before' && distanceBefore.distanceMs < match.distanceMs) {
      this.#takeBefore(transaction);
    } else {
      this.#give(transaction, this.#frames.retain(frame));
    }
  }

  #takeBefore(transaction: Transaction): void {
    const { before } = transaction;
    if (transaction.state !== 'waiting-for-frame' || before === undefined) return;
    transaction.before = undefined;
    this.#give(transaction, before);
  }

  #give(transaction: Transaction, frame: FrameLease): void {
    clearTimeout(transaction.nearest);
    this.#frames.want(frame);
    transaction.frame = frame;
    transaction.given = frame;
    transaction.state = 'waiting-for-model';
    if (transaction.before) this.#frames.release(transaction.before);
    transaction.before = undefined;
    this.#tell();
  }

  #release(transaction: Transaction): void {
    const { before, frame } = transaction;
    transaction.before = undefined;
    transaction.frame = undefined;
    if (before) this.#frames.release(before);
    if (frame) this.#frames.release(frame);
  }

  #expire(transaction: Transaction): void {
    if (transaction.isEnded) return;
    const { deadlineMs } = transaction.config;
    const message = `no verdict within ${deadlineMs} ms: ${this.#options.describe(transaction)}`;
    this.#options.onFailSafe(transaction, new VedetteError('TRIGGER_DEADLINE_PASSED', message));
  }

  #tell(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiters.push(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
