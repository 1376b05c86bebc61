import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { VedetteError } from '../../component/contract/errors.ts';
import type {
  ModelChangeRecord,
  ModelChangeRequest,
  RememberedModel,
} from '../../component/contract/model-lifecycle.ts';
import { ModelHost } from '../../component/inference/model-host.ts';
import type { ModelHostOptions } from '../../component/inference/model-host.ts';
import type { VersionStore } from '../../component/inference/versions/version-memory.ts';
import { ModelStore } from '../../component/inference/model-store/model-store.ts';
import { modelConfig } from './model-packages.ts';

interface HeldWrite {
  /** What was to be written, once it was asked for. */
  readonly asked: Promise<RememberedModel>;
  release(): void;
  refuse(error: Error): void;
}

/** Remembers in memory. A write can be held back or refused, as a slow or full disk does. */
export class HeldVersionStore implements VersionStore {
  kept: RememberedModel | undefined;
  readonly #refusedRecalls: Error[];
  readonly #held: ((remembered: RememberedModel) => Promise<void>)[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(kept: RememberedModel | undefined, refusedRecalls: readonly Error[]) {
    this.kept = kept;
    this.#refusedRecalls = [...refusedRecalls];
  }

  recall(): Promise<RememberedModel | undefined> {
    const refusal = this.#refusedRecalls.shift();
    return refusal ? Promise.reject(refusal) : Promise.resolve(this.kept);
  }

  remember(remembered: RememberedModel): Promise<void> {
    const wait = this.#held.shift();
    const written = (async () => {
      await wait?.(remembered);
      this.kept = JSON.parse(JSON.stringify(remembered)) as RememberedModel;
    })();
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Holds the next write that is not held yet. */
  hold(): HeldWrite {
    const asked = Promise.withResolvers<RememberedModel>();
    const end = Promise.withResolvers<void>();
    this.#held.push((remembered) => {
      asked.resolve(remembered);
      return end.promise;
    });
    return { asked: asked.promise, release: () => end.resolve(), refuse: (e) => end.reject(e) };
  }

  /** Resolves when what was asked for so far is written. */
  async settled(): Promise<void> {
    let last: unknown;
    while (last !== this.#last) {
      last = this.#last;
      await this.#last;
    }
  }
}

export interface VersionHostOptions {
  /** Package that is configured. */
  readonly package: string;
  /** What is remembered of a run before. */
  readonly kept?: RememberedModel;
  readonly refusedRecalls?: readonly Error[];
  /** Of installed versions, for a host after another one. */
  readonly folder?: string;
  readonly more?: Partial<ModelHostOptions>;
}

/** A model with real workers, whose memory of its versions can be held back. */
export class VersionHost {
  readonly host: ModelHost;
  readonly store: HeldVersionStore;
  readonly folder: string;
  /** Threads of its workers, oldest first. */
  readonly workers: Worker[] = [];
  readonly records: ModelChangeRecord[] = [];
  readonly faults: VedetteError[] = [];
  readonly #onWorker = (worker: Worker) => void this.workers.push(worker);

  /** Not started yet. */
  static async create(options: VersionHostOptions): Promise<VersionHost> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'vedette-version-host-')));
    return new VersionHost(options, folder);
  }

  private constructor(options: VersionHostOptions, folder: string) {
    this.folder = folder;
    this.store = new HeldVersionStore(options.kept, options.refusedRecalls ?? []);
    process.on('worker', this.#onWorker);
    this.host = new ModelHost({
      name: 'parts',
      config: modelConfig(options.package),
      maxImagePixels: 1_000_000,
      trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
      store: new ModelStore(folder),
      versionStore: this.store,
      onChange: () => undefined,
      onRecord: (change) => void this.records.push(change),
      onFault: (fault) => void this.faults.push(fault),
      ...options.more,
    });
  }

  /** Begins a change and waits for its end. Returns why it failed, if it did. */
  async change(request: ModelChangeRequest) {
    this.host.change(request);
    await this.host.changeEnded();
    return this.host.status().lifecycle?.lastChange?.error;
  }

  async close(): Promise<void> {
    process.off('worker', this.#onWorker);
    await this.host.close(2000);
    await rm(this.folder, { recursive: true, force: true });
  }
}
