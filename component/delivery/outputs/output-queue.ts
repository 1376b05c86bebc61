import { BackOff } from '../../camera/back-off.ts';
import { pause } from '../../camera/pause.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { OutputMessage, OutputRecord, OutputStatus } from '../../contract/output.ts';
import type { OutputConfig } from '../../contract/output-config.ts';
import type { OutputPort } from './output-port.ts';

const RETRY = { firstMs: 250, maximumMs: 30_000 };
/** A machine that is back waits for its value with the part in front of it. */
const MACHINE_RETRY = { firstMs: 50, maximumMs: 250 };
/** Not tried again: it would not be taken, or be done twice. */
const HOPELESS: ReadonlySet<string> = new Set(['MESSAGE_REFUSED', 'OUTPUT_UNCERTAIN']);

interface Waiting {
  readonly message: OutputMessage;
  readonly atMs: number;
  readonly steadyMs: number;
  attempts: number;
}

export interface OutputQueueOptions {
  readonly name: string;
  readonly config: OutputConfig;
  readonly port: OutputPort;
  /** Each verdict's end, once. Must not throw. */
  readonly onEnd: (record: OutputRecord) => void;
}

/**
 * The verdicts that one output is told, in order, one at a time. Adding takes no time whatever the
 * receiver does: what does not fit or is not taken in time is given up and counted.
 */
export class OutputQueue {
  readonly #options: OutputQueueOptions;
  readonly #waiting: Waiting[] = [];
  readonly #stop = new AbortController();
  readonly #counts = { acknowledged: 0, givenUp: 0 };
  #last: OutputRecord | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: OutputQueueOptions) {
    this.#options = options;
  }

  get config(): OutputConfig {
    return this.#options.config;
  }

  add(message: OutputMessage): void {
    if (this.#stop.signal.aborted) return;
    const item = { message, atMs: Date.now(), steadyMs: performance.now(), attempts: 0 };
    this.#waiting.push(item);
    const { maxQueued } = this.#options.config;
    // The first is being sent.
    if (this.#waiting.length > maxQueued + 1) {
      const [oldest] = this.#waiting.splice(1, 1);
      if (oldest) this.#end(oldest, 'given-up', `more than ${maxQueued} verdicts waited`);
    }
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  status(): OutputStatus {
    const { name, config } = this.#options;
    return {
      name,
      kind: config.kind,
      waiting: this.#waiting.length,
      ...this.#counts,
      ...(this.#last ? { last: this.#last } : {}),
    };
  }

  /** What waits is given up. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#sending;
    await this.#options.port.close?.();
    for (const item of this.#waiting.splice(0))
      this.#end(item, 'given-up', 'the output was closed');
  }

  async #send(): Promise<void> {
    const backOff = new BackOff('values' in this.#options.config ? MACHINE_RETRY : RETRY);
    const { signal } = this.#stop;
    for (let item = this.#waiting[0]; item && !signal.aborted; item = this.#waiting[0]) {
      const earlyMs = this.#dueMs(item) - performance.now();
      if (earlyMs > 0) await pause(earlyMs, signal);
      if (signal.aborted) return;
      if (this.#isStale(item)) {
        this.#waiting.shift();
        this.#end(item, 'given-up', 'it could not be set in time: those before it took too long');
        continue;
      }
      const failure = await this.#try(item);
      if (failure === undefined) {
        backOff.reset();
        continue;
      }
      const leftMs = this.#untilMs(item) - performance.now();
      const isHopeless = HOPELESS.has(failure.code);
      if (leftMs <= 0 || isHopeless) {
        this.#waiting.shift();
        this.#end(item, 'given-up', failure.message);
        continue;
      }
      await pause(Math.min(backOff.next(), leftMs), signal);
    }
  }

  /** In steady time. */
  #dueMs({ steadyMs }: Waiting): number {
    const { config } = this.#options;
    return steadyMs + ('delayMs' in config ? config.delayMs : 0);
  }

  #untilMs(item: Waiting): number {
    return this.#dueMs(item) + this.#options.config.giveUpAfterMs;
  }

  /** A program may hear of a verdict late; a machine would do it to another part. */
  #isStale(item: Waiting): boolean {
    return 'values' in this.#options.config && performance.now() > this.#untilMs(item);
  }

  async #try(item: Waiting): Promise<VedetteError | undefined> {
    item.attempts += 1;
    try {
      const { signal } = this.#stop;
      const sent = this.#options.port.send(item.message, signal, this.#untilMs(item));
      // A receiver that does not answer does not hold up an end.
      const detail = await unlessStopped(sent, signal);
      this.#waiting.shift();
      this.#end(item, 'acknowledged', detail);
      return undefined;
    } catch (thrown) {
      return VedetteError.from(thrown, 'OUTPUT_FAILED');
    }
  }

  #end({ message, atMs, attempts }: Waiting, end: OutputRecord['end'], detail: string): void {
    const { result, outcome } = message;
    this.#counts[end === 'acknowledged' ? 'acknowledged' : 'givenUp'] += 1;
    const record: OutputRecord = {
      ...{ output: this.#options.name, resultId: result.id, camera: result.camera ?? '', outcome },
      ...{ atMs, endedAtMs: Date.now(), end, attempts, detail: detail.slice(0, 500) },
    };
    this.#last = record;
    this.#options.onEnd(record);
  }
}

/** What `sent` gives, unless `signal` is aborted before. @throws VedetteError SHUTTING_DOWN then */
async function unlessStopped<T>(sent: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(new VedetteError('SHUTTING_DOWN', 'the output was closed'));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([sent, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
