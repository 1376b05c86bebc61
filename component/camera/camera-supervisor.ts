import { VedetteError, type SerializedError } from '../contract/errors.ts';
import type { DropReason } from '../contract/frame.ts';
import type { CameraDriver, CameraState } from '../contract/ports.ts';
import { BackOff } from './back-off.ts';
import type { FrameSlots } from './frame-slots.ts';
import { OpeningTime } from './opening-time.ts';
import { pause } from './pause.ts';

export interface CameraSupervisorOptions {
  readonly name: string;
  readonly driver: CameraDriver;
  readonly slots: FrameSlots;
  /** Called after each change of state or of its reason's code; not at every retry. Must not throw. */
  readonly onChange?: (health: CameraHealth) => void;
  readonly retry?: Partial<RetryTimes>;
}

/** How a source that ended or failed is opened again, in milliseconds. */
export interface RetryTimes {
  readonly firstMs: number;
  readonly maximumMs: number;
  /** The longest pause after a run that delivered frames: its source is there. */
  readonly deliveredMaximumMs: number;
  /** A path that is not there costs nothing to look at: it is looked at this often. */
  readonly missingMaximumMs: number;
  /** After a refused login, first and at most: cameras lock an account after a few wrong ones. */
  readonly refusedFirstMs: number;
  readonly refusedMaximumMs: number;
  /** The longest pause after a failure of a source whose return nobody tells. */
  readonly untoldMaximumMs: number;
  /** A run that delivered frames for so long was healthy: the next pause is the shortest again. */
  readonly healthyMs: number;
  /**
   * The first frame of a run may take what the source is known to need, at most this long, even if the
   * driver's `stallTimeoutMs` is shorter: a stream must be found, opened and reach its next key frame.
   */
  readonly openingMs: number;
  /** The least that is given to a source that opens quickly. */
  readonly openingLeastMs: number;
}

const RETRY: RetryTimes = {
  firstMs: 250,
  maximumMs: 15_000,
  deliveredMaximumMs: 1000,
  untoldMaximumMs: 2000,
  missingMaximumMs: 1000,
  refusedFirstMs: 120_000,
  refusedMaximumMs: 900_000,
  healthyMs: 5000,
  openingMs: 10_000,
  openingLeastMs: 2500,
};

/** A driver must end within this time; `close` does not wait longer. */
const CLOSE_TIMEOUT_MS = 2000;

/** The supervisor's share of a CameraStatus. */
export interface CameraHealth {
  readonly name: string;
  readonly state: CameraState;
  readonly stateSinceMs: number;
  /** Why the camera is not running. Absent while it runs. */
  readonly reason?: SerializedError;
  /** How often the source was opened again. */
  readonly restarts: number;
  readonly framesDelivered: number;
  readonly framesDropped: Readonly<Partial<Record<DropReason, number>>>;
}

/**
 * Keeps one camera alive: runs its driver again and again with back-off, watches that frames
 * arrive, and knows the state and its reason. The slots belong to the caller, who closes them
 * after the supervisor.
 *
 * States: `starting` until the source is open → `running`; `stalled` when the watchdog ended a run,
 * `reconnecting` after a failure that may pass by itself, `failed` after one that somebody must
 * mend (both go on trying); `ended` when the driver says that the end is final.
 */
export class CameraSupervisor {
  readonly #options: CameraSupervisorOptions;
  readonly #retry: RetryTimes;
  readonly #stop = new AbortController();
  readonly #opening: OpeningTime;
  readonly #backOff: BackOff;
  readonly #deliveredBackOff: BackOff;
  readonly #missingBackOff: BackOff;
  readonly #refusedBackOff: BackOff;
  #loop: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #state: CameraState = 'starting';
  #stateSinceMs = Date.now();
  #reason: SerializedError | undefined;
  #restarts = 0;
  /** Why a run was ended from here. */
  #stall: VedetteError | undefined;
  #run: AbortController | undefined;
  #wake = new AbortController();
  #isRestartAsked = false;
  #firstArrivalMs: number | undefined;
  #lastArrivalMs = 0;

  constructor(options: CameraSupervisorOptions) {
    this.#options = options;
    this.#retry = { ...RETRY, ...options.retry };
    const { firstMs, maximumMs, deliveredMaximumMs, untoldMaximumMs, missingMaximumMs } =
      this.#retry;
    const { openingMs, openingLeastMs } = this.#retry;
    this.#opening = new OpeningTime({ leastMs: openingLeastMs, maximumMs: openingMs });
    this.#backOff = new BackOff({
      firstMs,
      maximumMs: options.driver.untilBack ? maximumMs : Math.min(maximumMs, untoldMaximumMs),
    });
    this.#deliveredBackOff = new BackOff({
      firstMs,
      maximumMs: Math.min(maximumMs, deliveredMaximumMs),
    });
    this.#missingBackOff = new BackOff({ firstMs, maximumMs: missingMaximumMs });
    this.#refusedBackOff = new BackOff({
      firstMs: this.#retry.refusedFirstMs,
      maximumMs: this.#retry.refusedMaximumMs,
    });
  }

  get status(): CameraHealth {
    const { name, slots } = this.#options;
    return {
      name,
      state: this.#state,
      stateSinceMs: this.#stateSinceMs,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      restarts: this.#restarts,
      framesDelivered: slots.framesDelivered,
      framesDropped: slots.framesDropped,
    };
  }

  /** Begins; a second call does nothing. */
  start(): void {
    this.#loop ??= this.#keepRunning();
  }

  /** Closes the source and opens it again at once, as somebody asked or for `why`. @throws VedetteError REQUEST_INVALID when it ended for good */
  restart(why?: VedetteError): void {
    const { name } = this.#options;
    if (this.#state === 'ended') {
      throw new VedetteError('REQUEST_INVALID', `the source of camera ${name} has ended for good`);
    }
    this.#isRestartAsked = true;
    this.#stall =
      why ??
      new VedetteError('CAMERA_SOURCE_FAILED', `camera ${name} is opened again, as somebody asked`);
    this.#change('reconnecting', this.#stall);
    this.#run?.abort();
    this.#wake.abort();
  }

  /** Ends the driver and waits for it, two seconds at most. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    if (this.#loop === undefined) return;
    const timeout = new AbortController();
    await Promise.race([this.#loop, pause(CLOSE_TIMEOUT_MS, timeout.signal)]);
    timeout.abort();
  }

  async #keepRunning(): Promise<void> {
    const { driver, slots } = this.#options;
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      const failure = await this.#runOnce();
      if (stop.aborted) return;
      if (failure === undefined && driver.endsForGood) {
        slots.end();
        this.#change('ended');
        return;
      }
      const pauseMs = this.#afterRun(failure);
      if (!this.#isRestartAsked) await this.#untilNextRun(pauseMs, failure);
      if (this.#isRestartAsked) this.#beginAnew();
      this.#restarts += 1;
    }
  }

  /** The pause is cut short when a source that was away is there again. */
  async #untilNextRun(pauseMs: number, failure: VedetteError | undefined): Promise<void> {
    const { driver } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal, over.signal]);
    if (driver.followsAnother) return driver.untilBack?.(signal);
    const mayComeBack = failure === undefined || failure.code === 'CAMERA_SOURCE_FAILED';
    const isBack = mayComeBack ? driver.untilBack?.(signal) : undefined;
    await Promise.race([pause(pauseMs, signal), ...(isBack === undefined ? [] : [isBack])]);
    over.abort();
    await isBack;
  }

  #beginAnew(): void {
    this.#isRestartAsked = false;
    this.#wake = new AbortController();
    this.#resetBackOffs();
    this.#deliveredBackOff.reset();
  }

  #resetBackOffs(): void {
    this.#backOff.reset();
    this.#missingBackOff.reset();
    this.#refusedBackOff.reset();
  }

  /** One run of the driver. Returns why it ended; `undefined` when the source ended by itself. */
  async #runOnce(): Promise<VedetteError | undefined> {
    const { driver, slots, name } = this.#options;
    const run = new AbortController();
    this.#run = run;
    const end = () => run.abort();
    this.#stop.signal.addEventListener('abort', end, { once: true });
    this.#stall = undefined;
    this.#firstArrivalMs = undefined;
    const openedMs = performance.now();
    this.#lastArrivalMs = openedMs;
    slots.listen({
      // A source on its way down may still deliver: only the next run brings it back.
      sourceIsHealthy: () => !run.signal.aborted && this.#change('running'),
      framesArrived: () => {
        this.#lastArrivalMs = performance.now();
        if (this.#firstArrivalMs === undefined)
          this.#opening.opened(this.#lastArrivalMs - openedMs);
        this.#firstArrivalMs ??= this.#lastArrivalMs;
      },
    });
    const watchdog = this.#watch(driver.stallTimeoutMs, (silentMs) => {
      this.#stall = new VedetteError(
        'CAMERA_SOURCE_FAILED',
        `camera ${name} delivered no frame for ${Math.round(silentMs)} ms; it is opened again`,
      );
      this.#change('stalled', this.#stall);
      run.abort();
    });
    try {
      await driver.run(slots, run.signal);
      return this.#stall;
    } catch (error) {
      return this.#stall ?? VedetteError.from(error, 'CAMERA_SOURCE_FAILED');
    } finally {
      this.#run = undefined;
      clearInterval(watchdog);
      slots.listen(undefined);
      this.#stop.signal.removeEventListener('abort', end);
    }
  }

  #watch(
    timeoutMs: number | undefined,
    onStall: (silentMs: number) => void,
  ): NodeJS.Timeout | undefined {
    if (timeoutMs === undefined) return undefined;
    const timer = setInterval(
      () => {
        const now = performance.now();
        // A source that waits for its reader is slow, not silent.
        if (this.#options.slots.isWaitingForReader) this.#lastArrivalMs = now;
        const silentMs = now - this.#lastArrivalMs;
        const isOpening = this.#firstArrivalMs === undefined;
        const limitMs = isOpening ? Math.max(timeoutMs, this.#opening.limitMs) : timeoutMs;
        if (silentMs < limitMs) return;
        clearInterval(timer);
        if (isOpening) this.#opening.gaveUp();
        onStall(silentMs);
      },
      Math.min(1000, timeoutMs / 4),
    );
    return timer;
  }

  /** Notes how a run ended. Returns the pause before the next one, in milliseconds. */
  #afterRun(failure: VedetteError | undefined): number {
    const hasDelivered = this.#firstArrivalMs !== undefined;
    if (hasDelivered) this.#resetBackOffs();
    const deliveredForMs = hasDelivered ? this.#lastArrivalMs - this.#firstArrivalMs! : 0;
    if (deliveredForMs >= this.#retry.healthyMs) this.#deliveredBackOff.reset();
    const reason =
      failure ??
      new VedetteError(
        'CAMERA_SOURCE_FAILED',
        `the source of camera ${this.#options.name} ended; it is opened again`,
      );
    if (reason !== this.#stall) {
      this.#change(reason.retryable ? 'reconnecting' : 'failed', reason);
    }
    if (reason.code === 'CAMERA_SOURCE_MISSING') return this.#missingBackOff.next();
    if (reason.code === 'CAMERA_LOGIN_REFUSED') return this.#refusedBackOff.next();
    if (!reason.retryable) return this.#retry.maximumMs;
    return (hasDelivered ? this.#deliveredBackOff : this.#backOff).next();
  }

  #change(state: CameraState, error?: VedetteError): void {
    if (this.#stop.signal.aborted || (this.#state === state && error === undefined)) return;
    const isSame = this.#state === state && this.#reason?.code === error?.code;
    if (this.#state !== state) this.#stateSinceMs = Date.now();
    this.#state = state;
    this.#reason = error?.serialize();
    if (!isSame) this.#options.onChange?.(this.status);
  }
}
