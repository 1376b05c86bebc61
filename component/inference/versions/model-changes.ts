import { VedetteError } from '../../contract/errors.ts';
import type {
  ChangeCause,
  EndedChange,
  ModelChangeRecord,
  ModelChangeRequest,
  RememberedModel,
  RunningChange,
} from '../../contract/model-lifecycle.ts';
import { parseModelReference } from '../../contract/model-manifest.ts';
import { installModel } from '../model-store/install-model.ts';
import { referenceText } from '../model-store/installed-model.ts';
import { checkChange } from './check-change.ts';
import type { VersionSettings } from './version-roles.ts';
import type { VersionSet, VersionSetOptions } from './version-set.ts';
import type { ModelGeneration } from '../model-generation.ts';

/**
 * What is asked of a model while it runs: one change at a time, each of which ends with the new state
 * or with the old one and a reason.
 */
export class ModelChanges {
  #options: VersionSetOptions;
  readonly #versions: VersionSet;
  readonly #abort = new AbortController();
  #hasStarted = false;
  #running: RunningChange | undefined;
  #last: EndedChange | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: VersionSetOptions, versions: VersionSet) {
    this.#options = options;
    this.#versions = versions;
  }

  get running(): RunningChange | undefined {
    return this.#running;
  }

  get last(): EndedChange | undefined {
    return this.#last;
  }

  /**
   * Begins a change; `running` and `last` tell the rest.
   * @throws VedetteError see checkChange; MODEL_CHANGE_RUNNING until `started`; SHUTTING_DOWN
   */
  begin(request: ModelChangeRequest, cause: ChangeCause): void {
    const { name } = this.#options;
    if (this.#versions.isClosed) {
      throw new VedetteError('SHUTTING_DOWN', `model '${name}' is being closed`);
    }
    if (!this.#hasStarted) throw isStarting(name, this.#versions.active);
    const subject = checkChange(name, request, this.#running, this.#versions);
    this.#run(request, subject, cause, () => this.#carryOut(request, cause));
  }

  /** Which version is the active one is settled: it can be changed from now on. */
  started(): void {
    this.#hasStarted = true;
  }

  /** Goes on with the candidate of the run before, unless another change made it obsolete. */
  async resume(candidate: NonNullable<RememberedModel['candidate']>): Promise<void> {
    while (this.#running) await this.#ended;
    const { isClosed, memory, candidate: other } = this.#versions;
    if (isClosed || other || memory.known.candidate?.sinceMs !== candidate.sinceMs) return;
    const { package: named, mode, cameras, sinceMs } = candidate;
    this.#run({ kind: 'propose', package: named, mode, cameras }, named, 'start', async () => {
      const generation = await this.#versions.load(named, 'start', mode === 'shadow');
      this.#versions.resume({ generation, mode, cameras, sinceMs });
    });
  }

  /**
   * Waits for the change that is under way. Until the function that it gives is called no other begins:
   * the configuration is being changed.
   */
  async hold(named: string): Promise<() => void> {
    while (this.#running) await this.#ended;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#running = {
      kind: 'configure',
      package: named,
      stage: 'loading',
      startedAtMs: Date.now(),
    };
    return () => {
      this.#running = undefined;
      resolve();
      this.#options.onChange();
    };
  }

  /** Packages are installed by these from now on. */
  configure(settings: VersionSettings): void {
    this.#options = { ...this.#options, ...settings };
  }

  /** Resolves when no change is under way. */
  ended(): Promise<void> {
    return this.#ended;
  }

  close(): void {
    this.#abort.abort(new VedetteError('SHUTTING_DOWN', 'the model is being closed'));
  }

  #run(
    request: ModelChangeRequest,
    subject: string,
    cause: ModelChangeRecord['cause'],
    work: () => Promise<void>,
  ): void {
    const { kind } = request;
    const mode = request.kind === 'propose' ? { mode: request.mode } : {};
    this.#running = {
      kind,
      package: subject,
      ...mode,
      stage: kind === 'propose' ? 'installing' : 'switching',
      startedAtMs: Date.now(),
    };
    this.#options.onChange();
    const end = (error?: VedetteError) => {
      this.#running = undefined;
      const reason = error ? { error: error.serialize() } : {};
      this.#last = { kind, package: subject, endedAtMs: Date.now(), ...reason };
      if (this.#versions.isClosed) return;
      if (error) this.#versions.record('refused', subject, cause, { ...mode, reason: error });
      this.#options.onChange();
    };
    this.#ended = work().then(
      () => end(),
      (thrown: unknown) => end(VedetteError.from(thrown)),
    );
  }

  async #carryOut(request: ModelChangeRequest, cause: ChangeCause): Promise<void> {
    const versions = this.#versions;
    switch (request.kind) {
      case 'propose':
        return this.#propose(request, cause);
      case 'promote':
        return this.#promote(cause);
      case 'rollback':
        if (versions.candidate) return versions.dropCandidate('rolled-back', cause);
        return this.#goBack(cause);
      case 'discard':
        return versions.dropCandidate('discarded', cause);
      case 'pin':
      case 'unpin': {
        await versions.memory.save({ isPinned: request.kind === 'pin' });
        const kind = request.kind === 'pin' ? 'pinned' : 'unpinned';
        return versions.record(kind, versions.active.packageName, cause);
      }
    }
  }

  async #propose(
    { package: named, mode, cameras }: ModelChangeRequest & { kind: 'propose' },
    cause: ChangeCause,
  ): Promise<void> {
    const reference = await this.#installed(named);
    const generation = await this.#versions.load(reference, 'change', mode === 'shadow');
    if (mode === 'swap') return this.#versions.switchTo(generation, 'swapped', cause, mode);
    return this.#versions.propose({ generation, mode, cameras, sinceMs: Date.now() });
  }

  /** What lies at a path may be gone at the next start; what is installed is not. */
  async #installed(named: string): Promise<string> {
    const { config, store, maxImagePixels, library } = this.#options;
    if (parseModelReference(named)) return named;
    if (!store) throw new VedetteError('INTERNAL', 'installing a model needs a model store');
    const { model } = await installModel(store, named, {
      probe: {
        memoryMegabytes: config.probeMemoryMegabytes,
        timeoutMs: config.probeTimeoutMs,
        threads: config.threadsPerWorker,
        maxImagePixels,
        maxBatch: config.maxBatch,
        execution: { providers: config.executionProviders, library: await library?.file() },
        isAside: true,
      },
      signal: this.#abort.signal,
    });
    return referenceText(model);
  }

  /** A shadow's worker is too slow to act: what is promoted gets workers like those of every model. */
  async #promote(cause: ChangeCause): Promise<void> {
    const { candidate } = this.#versions;
    if (!candidate?.generation.isReady) {
      throw new VedetteError(
        'MODEL_NOT_READY',
        `the candidate ${candidate?.generation.packageName} is ${candidate?.generation.state}, expected ready`,
      );
    }
    const { generation, mode } = candidate;
    const isShadow = mode === 'shadow';
    const acting = isShadow
      ? await this.#versions.load(generation.packageName, 'change', false)
      : generation;
    await this.#versions.switchTo(acting, 'promoted', cause, mode);
  }

  async #goBack(cause: ChangeCause): Promise<void> {
    const { package: named, generation } = this.#versions.previous!;
    const isWarm = generation?.isReady === true;
    const back = isWarm ? generation : await this.#versions.load(named, 'start', false);
    await this.#versions.switchTo(back, 'rolled-back', cause);
  }
}

const isStarting = (name: string, { packageName, state }: ModelGeneration): VedetteError =>
  new VedetteError(
    'MODEL_CHANGE_RUNNING',
    `model '${name}' is being started, with ${packageName}, which is ${state}`,
    { details: { model: name, kind: 'start', package: packageName, stage: state } },
  );
