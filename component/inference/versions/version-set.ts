import { VedetteError } from '../../contract/errors.ts';
import type {
  CandidateMode,
  ModelChangeKind,
  ModelChangeRecord,
  RollbackCause,
  StandingMode,
} from '../../contract/model-lifecycle.ts';
import type { ModelIdentity } from '../../contract/result.ts';
import type { AdmissionOccasion } from '../admit-model.ts';
import { ModelGeneration } from '../model-generation.ts';
import type { CloseReport, GenerationOptions } from '../generation-options.ts';
import type { ModelPackage } from '../package/read-package.ts';
import { VersionMemory } from './version-memory.ts';
import type { VersionStore } from './version-memory.ts';

export interface VersionSetOptions extends Pick<
  GenerationOptions,
  'name' | 'config' | 'maxImagePixels' | 'trust' | 'store' | 'library' | 'onFault'
> {
  readonly versionStore?: VersionStore;
  /** Told after every change of a version's state, and of which is which. Must not throw. */
  readonly onChange: () => void;
  /** Told of each change for the history. Must not throw. */
  readonly onRecord?: (change: ModelChangeRecord) => void;
}

/** A version that is tried beside the active one, and is ready. */
export interface Candidate {
  readonly generation: ModelGeneration;
  readonly mode: StandingMode;
  /** Those that act on it, in `canary`. */
  readonly cameras: readonly string[];
  readonly sinceMs: number;
}

/** The version that answered before. */
export interface PreviousVersion {
  readonly package: string;
  readonly identity?: ModelIdentity;
  /** While it is kept warm, until then. */
  readonly generation?: ModelGeneration;
  readonly warmUntilMs?: number;
}

type Cause = ModelChangeRecord['cause'];

/** Longest wait for what a version that goes has accepted, in milliseconds. */
const DRAIN_MS = 4000;

/**
 * The versions of one model: the active one, the one before, a candidate. Which of them answers
 * changes between two frames: it is one assignment on the main thread, made when the new state is on
 * the disk.
 */
export class VersionSet {
  readonly memory: VersionMemory;
  readonly #options: VersionSetOptions;
  readonly #runs = { inferences: 0, failures: 0 };
  #active: ModelGeneration;
  #previous: PreviousVersion | undefined;
  #candidate: Candidate | undefined;
  #incoming: ModelGeneration | undefined;
  #isClosed = false;
  #coolTimer: NodeJS.Timeout | undefined;

  constructor(options: VersionSetOptions) {
    const configured = options.config.package;
    this.#options = options;
    this.memory = new VersionMemory(options.versionStore, configured);
    this.#active = this.#create(configured, 'start', false);
  }

  get active(): ModelGeneration {
    return this.#active;
  }

  get previous(): PreviousVersion | undefined {
    return this.#previous;
  }

  get candidate(): Candidate | undefined {
    return this.#candidate;
  }

  /** A version that loads and is nothing yet. */
  get incoming(): ModelGeneration | undefined {
    return this.#incoming;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The version that a camera acts on, or that of everybody who is no camera. */
  servingFor(camera?: string): ModelGeneration {
    const candidate = this.#candidate;
    if (camera === undefined || candidate?.mode !== 'canary') return this.#active;
    return candidate.cameras.includes(camera) ? candidate.generation : this.#active;
  }

  // ------------------------------------------------------------------ at a start

  /** Another package takes the place of an active version that is not loaded or has failed. */
  async replaceUnloaded(named: string, previous: PreviousVersion | undefined): Promise<void> {
    const old = this.#active;
    this.#previous = previous;
    if (named !== old.packageName) this.#active = this.#create(named, 'start', false);
    this.#options.onChange();
    if (old !== this.#active) await old.close(0);
  }

  /** A candidate of the run before, which is on the disk already. */
  resume(candidate: Candidate): void {
    this.#candidate = candidate;
    this.#options.onChange();
  }

  // ------------------------------------------------------------------ changes

  /**
   * Loads a version beside those that are there. A failure leaves nothing of it.
   * @param isAside it will only be compared: one worker at a low priority
   * @throws VedetteError see ModelGeneration.load
   */
  async load(
    named: string,
    occasion: AdmissionOccasion,
    isAside: boolean,
  ): Promise<ModelGeneration> {
    const generation = this.#create(named, occasion, isAside);
    this.#incoming = generation;
    try {
      await generation.load(await generation.signature());
      if (this.#isClosed) throw new VedetteError('SHUTTING_DOWN', 'the model is being closed');
      return generation;
    } catch (error) {
      await generation.close(0);
      throw error;
    } finally {
      this.#incoming = undefined;
    }
  }

  /** @throws VedetteError of the registry: a version that cannot be remembered is not used */
  async propose(candidate: Candidate): Promise<void> {
    const { generation, mode, cameras, sinceMs } = candidate;
    const remembered = {
      package: generation.packageName,
      mode,
      cameras: [...cameras],
      sinceMs,
    };
    await this.#savedOrClosed(generation, { candidate: remembered });
    const before = this.#candidate;
    this.#candidate = candidate;
    this.record('proposed', generation.packageName, 'person', { mode });
    this.#options.onChange();
    await before?.generation.close(DRAIN_MS);
  }

  /**
   * From the next frame on this version answers. The one that did stays warm, and has ended what it
   * was given long before it goes.
   * @throws VedetteError of the registry: a version that cannot be remembered is not used
   */
  async switchTo(
    generation: ModelGeneration,
    kind: 'swapped' | 'promoted' | 'rolled-back',
    cause: Cause,
    mode?: CandidateMode,
  ): Promise<void> {
    const old = this.#active;
    const [candidate, previous] = [this.#candidate?.generation, this.#previous?.generation];
    await this.#savedOrClosed(generation, {
      activePackage: generation.packageName,
      previousPackage: old.packageName,
      candidate: undefined,
    });
    this.#active = generation;
    this.#candidate = undefined;
    this.#keepWarm(old);
    this.record(kind, generation.packageName, cause, mode ? { mode } : {});
    this.#options.onChange();
    for (const gone of [candidate, previous]) {
      if (gone !== generation) await gone?.close(DRAIN_MS);
    }
  }

  /** The candidate acts and is compared no longer, at once. */
  async dropCandidate(
    kind: 'rolled-back' | 'discarded',
    cause: Cause,
    reason?: VedetteError,
  ): Promise<void> {
    if (!this.#candidate) return;
    const { generation, mode } = this.#candidate;
    this.#candidate = undefined;
    this.record(kind, generation.packageName, cause, { mode, ...(reason ? { reason } : {}) });
    this.#options.onChange();
    await this.memory.save({ candidate: undefined });
    await generation.close(DRAIN_MS);
  }

  /** Gives back what the version before is kept warm by. */
  async cool(): Promise<void> {
    if (!this.#previous?.generation) return;
    const { generation, warmUntilMs: _, ...known } = this.#previous;
    clearTimeout(this.#coolTimer);
    this.#previous = known;
    this.#options.onChange();
    await generation.close(DRAIN_MS);
  }

  record(
    kind: ModelChangeKind,
    named: string,
    cause: Cause,
    { mode, reason }: { readonly mode?: CandidateMode; readonly reason?: VedetteError } = {},
  ): void {
    this.#options.onRecord?.({
      atMs: Date.now(),
      model: this.#options.name,
      kind,
      package: named,
      ...(mode ? { mode } : {}),
      cause,
      ...(reason ? { reason: reason.serialize() } : {}),
    });
  }

  async close(drainMs: number): Promise<CloseReport> {
    this.#isClosed = true;
    clearTimeout(this.#coolTimer);
    const generations = [
      this.#active,
      this.#previous?.generation,
      this.#candidate?.generation,
      this.#incoming,
    ].filter((one) => one !== undefined);
    const reports = await Promise.all(generations.map((one) => one.close(drainMs)));
    return { isInsideRun: reports.some(({ isInsideRun }) => isInsideRun) };
  }

  // ------------------------------------------------------------------ inside

  async #savedOrClosed(
    generation: ModelGeneration,
    changed: Parameters<VersionMemory['save']>[0],
  ): Promise<void> {
    try {
      await this.memory.save(changed);
    } catch (error) {
      const isKnown = [this.#candidate?.generation, this.#previous?.generation].includes(
        generation,
      );
      if (!isKnown) await generation.close(0);
      throw error;
    }
  }

  #keepWarm(old: ModelGeneration): void {
    const { keepWarmMs } = this.#options.config.rollout;
    const { identity } = old;
    clearTimeout(this.#coolTimer);
    this.#previous = {
      package: old.packageName,
      ...(identity ? { identity } : {}),
      generation: old,
      warmUntilMs: Date.now() + keepWarmMs,
    };
    this.#coolTimer = setTimeout(() => void this.cool(), keepWarmMs);
  }

  #create(named: string, occasion: AdmissionOccasion, isAside: boolean): ModelGeneration {
    const { config } = this.#options;
    // A variant is one of the package that is configured beside it.
    const { variant: _, ...others } = config;
    const generation: ModelGeneration = new ModelGeneration({
      ...this.#options,
      config: named === config.package ? config : { ...others, package: named },
      occasion,
      isAside,
      ...(isAside ? {} : { runs: this.#runs }),
      check: (model) => occasion === 'change' && this.#checkTask(model),
      makeRoom: () => this.cool(),
      onChange: () => this.#onGenerationChange(generation),
    });
    return generation;
  }

  #onGenerationChange(generation: ModelGeneration): void {
    const { mode, generation: candidate } = this.#candidate ?? {};
    if (mode === 'canary' && generation === candidate && !generation.isReady && !this.#isClosed) {
      const why = generation.reason?.message ?? `it is ${generation.state}`;
      this.rollBackCandidate(
        'lost',
        new VedetteError('WORKER_LOST', `the canary has gone: ${why}`),
      );
    }
    this.#options.onChange();
  }

  /** The candidate is of no use, by what was measured of it. It goes at once. */
  rollBackCandidate(cause: RollbackCause, reason: VedetteError): void {
    void this.dropCandidate('rolled-back', cause, reason).catch((thrown: unknown) =>
      this.#options.onFault(VedetteError.from(thrown)),
    );
  }

  /** @throws VedetteError MODEL_MISMATCH */
  #checkTask({ manifest }: ModelPackage): void {
    const running = this.#active.package?.manifest.task;
    if (running === undefined || running === manifest.task) return;
    throw new VedetteError(
      'MODEL_MISMATCH',
      `${manifest.name} ${manifest.version} is for ${manifest.task}, the version that runs for ${running}: rules of one do not fit the other`,
      { details: { task: manifest.task, runningTask: running } },
    );
  }
}
