import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { entryFile } from '../contract/entry-file.ts';
import type { OutboxSettings } from '../contract/delivery.ts';
import { VedetteError } from '../contract/errors.ts';
import { WORKER_MEMORY } from '../contract/worker-memory.ts';
import type { Notice } from '../contract/ports.ts';
import type {
  CallName,
  RegistryCalls,
  RegistryReport,
  RegistryWorkerData,
  Settlement,
} from './messages.ts';

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 10_000;
/** A worker that lived so long was sound: the next back-off begins from the start. */
const SOUND_AFTER_MS = 60_000;

export interface RegistryOptions {
  readonly dataFolder: string;
  /** What is to be delivered; nothing when absent. */
  readonly outbox?: OutboxSettings;
  /** Something waits to be delivered that did not before; must not throw. */
  onOutbox?(): void;
  /** Told of what an operator should know; must not throw. */
  onNotice(notice: Notice): void;
}

interface Outstanding {
  readonly call: CallName;
  resolve(answer: unknown): void;
  reject(error: VedetteError): void;
}

/** The way to the registry's worker: sends calls, hands out answers, replaces a lost worker. */
export class WorkerLink {
  readonly #options: RegistryOptions;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #stopped = new AbortController();
  #worker: Worker | undefined;
  #nextId = 1;
  #restarts = 0;
  #restartMs = FIRST_RESTART_MS;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** How often a lost worker was replaced, or its replacement tried. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Why nothing can be sent at present, as a rejection; nothing when it can. */
  refusal(): Promise<never> | undefined {
    if (this.#stopped.signal.aborted) {
      const message = 'The registry is closing; nothing more is stored';
      return Promise.reject(new VedetteError('SHUTTING_DOWN', message));
    }
    if (this.#worker !== undefined) return undefined;
    const message = 'The registry is starting again after its worker was lost';
    return Promise.reject(new VedetteError('REGISTRY_UNAVAILABLE', message));
  }

  /** From now on `refusal` refuses; what was let through before can still be sent. */
  refuse(): void {
    this.#stopped.abort();
  }

  send<K extends CallName>(
    call: K,
    request: RegistryCalls[K]['request'],
  ): Promise<RegistryCalls[K]['answer']> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker;
      if (worker === undefined) return reject(lostError(call));
      const id = this.#nextId++;
      this.#outstanding.set(id, {
        call,
        resolve: (answer) => resolve(answer as RegistryCalls[K]['answer']),
        reject,
      });
      worker.postMessage({ id, call, request });
    });
  }

  /** @throws VedetteError of the opening; REGISTRY_UNAVAILABLE when the worker ended before */
  start(): Promise<void> {
    const { dataFolder, outbox } = this.#options;
    const workerData: RegistryWorkerData = { dataFolder, outbox };
    const worker = new Worker(entryFile('registry-worker', import.meta.url), {
      name: 'registry',
      resourceLimits: WORKER_MEMORY,
      workerData,
    });
    const startedAtMs = performance.now();
    let fault: Error | undefined;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: RegistryReport) => {
        if (message.kind === 'settled') message.settlements.forEach((one) => this.#settle(one));
        else if (message.kind === 'notice') this.#options.onNotice(message.notice);
        else if (message.kind === 'outbox') this.#options.onOutbox?.();
        else if (message.kind === 'failed') reject(VedetteError.deserialize(message.error));
        else {
          this.#worker = worker;
          resolve();
        }
      });
      worker.on('error', (error: Error) => {
        fault = error;
      });
      worker.on('exit', () => {
        reject(lostError('open', fault));
        if (this.#worker === worker) this.#lose(fault, performance.now() - startedAtMs);
      });
    });
  }

  /** Has the worker close the database and waits for its end. */
  async close(): Promise<void> {
    this.refuse();
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    await this.send('close', undefined).catch(() => undefined);
    if (this.#worker === worker) await exited;
  }

  #settle(settlement: Settlement): void {
    const outstanding = this.#outstanding.get(settlement.id);
    if (outstanding === undefined) return;
    this.#outstanding.delete(settlement.id);
    if ('error' in settlement) outstanding.reject(VedetteError.deserialize(settlement.error));
    else outstanding.resolve(settlement.answer);
  }

  #lose(fault: Error | undefined, livedMs: number): void {
    this.#worker = undefined;
    for (const lost of this.#outstanding.values()) lost.reject(lostError(lost.call, fault));
    this.#outstanding.clear();
    if (this.#stopped.signal.aborted) return;
    if (livedMs > SOUND_AFTER_MS) this.#restartMs = FIRST_RESTART_MS;
    const error = new VedetteError(
      'REGISTRY_UNAVAILABLE',
      `The registry's worker ended unexpectedly${fault ? `: ${fault.message}` : ''}; it is started again`,
    );
    this.#options.onNotice({ atMs: Date.now(), level: 'warn', error: error.serialize() });
    void this.#restart();
  }

  async #restart(): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#worker === undefined) {
      await delay(this.#restartMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      this.#restartMs = Math.min(this.#restartMs * 2, LONGEST_RESTART_MS);
      this.#restarts += 1;
      // A failure is for the next attempt to mend; calls meanwhile are refused as unavailable.
      await this.start().catch(() => undefined);
    }
    // Closed while it started: nobody else would end this worker.
    if (signal.aborted) await this.close();
  }
}

function lostError(call: string, cause?: unknown): VedetteError {
  return new VedetteError(
    'REGISTRY_UNAVAILABLE',
    `The registry's worker was lost before it answered ${call}; whether it was stored is unknown`,
    { cause },
  );
}
