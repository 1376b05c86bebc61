import { VedetteError } from '../../contract/errors.ts';
import type {
  CandidateMode,
  ModelChangeKind,
  ModelChangeRecord,
  RememberedModel,
  RollbackCause,
} from '../../contract/model-lifecycle.ts';
import type { AdmissionOccasion } from '../admit-model.ts';
import { ModelGeneration } from '../model-generation.ts';
import type { CloseReport } from '../generation-options.ts';
import { checkTask } from './check-task.ts';
import { VersionMemory } from './version-memory.ts';
import { remembered } from './version-roles.ts';
import type { Candidate, PreviousVersion, VersionSetOptions } from './version-roles.ts';

export type { Candidate, PreviousVersion, VersionSetOptions } from './version-roles.ts';

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

  /** A version that loads, or whose new role is being remembered. */
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
    const isActing = candidate.cameras.includes(camera) && candidate.generation.isReady;
    return isActing ? candidate.generation : this.#active;
  }

  // ------------------------------------------------------------------ at a start

  /** Another package takes the place of an active version that is not loaded or has failed. */
  async replaceUnloaded(named: string, previous: PreviousVersion | undefined): Promise<void> {
    const old = this.#active;
    this.#previous = previous;
    if (named !== old.packageName) this.#active = this.#create(named, 'start', false);
    this.#options.onChange();
    if (old !== this.#active) await this.#retire(old, { drainMs: 0 });
  }

  /** A candidate of the run before, which is on the disk already. */
  resume(candidate: Candidate): void {
    this.#candidate = candidate;
    this.#incoming = undefined;
    this.#options.onChange();
  }

  // ------------------------------------------------------------------ changes

  /**
   * Loads a version beside those that are there, and keeps it `incoming` until it is given its role.
   * A failure leaves nothing of it.
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
      this.#incoming = undefined;
      await this.#retire(generation, { drainMs: 0 });
      throw error;
    }
  }

  /**
   * @throws VedetteError of the registry: a version that cannot be remembered is not used;
   * MODEL_NOT_READY when it failed meanwhile, SHUTTING_DOWN
   */
  async propose(candidate: Candidate): Promise<void> {
    const { generation, mode } = candidate;
    let before: Candidate | undefined;
    await this.#give(generation, { candidate: remembered(candidate) }, () => {
      before = this.#candidate;
      this.#candidate = candidate;
    });
    this.record('proposed', generation.packageName, 'person', { mode });
    this.#options.onChange();
    await this.#retire(before?.generation, { handsBack: true });
  }

  /**
   * From the next frame on this version answers. The one that did stays warm, and has ended what it
   * was given long before it goes.
   * @throws VedetteError as propose
   */
  async switchTo(
    generation: ModelGeneration,
    kind: 'swapped' | 'promoted' | 'rolled-back',
    cause: Cause,
    mode?: CandidateMode,
  ): Promise<void> {
    let candidate: ModelGeneration | undefined;
    let previous: ModelGeneration | undefined;
    const changed = {
      activePackage: generation.packageName,
      previousPackage: this.#active.packageName,
      candidate: undefined,
    };
    await this.#give(generation, changed, () => {
      candidate = this.#candidate?.generation;
      previous = this.#previous?.generation;
      this.#keepWarm(this.#active);
      this.#active = generation;
      this.#candidate = undefined;
    });
    this.record(kind, generation.packageName, cause, mode ? { mode } : {});
    this.#options.onChange();
    if (candidate !== generation) await this.#retire(candidate, { handsBack: true });
    if (previous !== generation) await this.#retire(previous);
  }

  /** The candidate acts and is compared no longer, at once. */
  async dropCandidate(
    kind: 'rolled-back' | 'discarded',
    cause: Cause,
    reason?: VedetteError,
  ): Promise<void> {
    if (!this.#candidate) return;
    const { generation, mode, sinceMs } = this.#candidate;
    this.#candidate = undefined;
    this.record(kind, generation.packageName, cause, { mode, ...(reason ? { reason } : {}) });
    this.#options.onChange();
    const retired = this.#retire(generation, { handsBack: true });
    try {
      await this.memory.correct(({ candidate }) =>
        candidate?.sinceMs === sinceMs ? { candidate: undefined } : {},
      );
    } finally {
      await retired;
    }
  }

  /** Gives back what the version before is kept warm by. */
  async cool(): Promise<void> {
    if (!this.#previous?.generation) return;
    const { generation, warmUntilMs: _, ...known } = this.#previous;
    clearTimeout(this.#coolTimer);
    this.#previous = known;
    this.#options.onChange();
    await this.#retire(generation);
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

  /** Gives a version its role once that is on the disk, if it can still fill it then. */
  async #give(
    generation: ModelGeneration,
    changed: Partial<RememberedModel>,
    assign: () => void,
  ): Promise<void> {
    this.#incoming = generation;
    clearTimeout(this.#coolTimer);
    try {
      await this.memory.save(changed);
      await this.#requireFit(generation);
      assign();
    } catch (error) {
      const isKnown = [this.#candidate?.generation, this.#previous?.generation].includes(
        generation,
      );
      if (!isKnown) await this.#retire(generation, { drainMs: 0 });
      throw error;
    } finally {
      this.#incoming = undefined;
      this.#coolLater();
      this.#rollBackLostCanary();
    }
  }

  async #requireFit({ isReady, packageName, state }: ModelGeneration): Promise<void> {
    if (this.#isClosed) throw new VedetteError('SHUTTING_DOWN', 'the model is being closed');
    if (isReady) return;
    await this.#reported(this.memory.correct(() => this.#roles()));
    throw new VedetteError(
      'MODEL_NOT_READY',
      `${packageName} is ${state} since its role was remembered, expected ready`,
    );
  }

  /** What is to be remembered of the versions as they are. */
  #roles(): Partial<RememberedModel> {
    return {
      activePackage: this.#active.packageName,
      previousPackage: this.#previous?.package,
      candidate: this.#candidate && remembered(this.#candidate),
    };
  }

  /** That files of what goes cannot be removed undoes nothing. */
  async #retire(
    generation: ModelGeneration | undefined,
    how: { readonly drainMs?: number; readonly handsBack?: boolean } = {},
  ): Promise<void> {
    const { drainMs = DRAIN_MS, handsBack = false } = how;
    await this.#reported(generation?.close(drainMs, handsBack));
  }

  async #reported(work: Promise<unknown> | undefined): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      this.#options.onFault(VedetteError.from(thrown));
    }
  }

  #keepWarm(old: ModelGeneration): void {
    const { identity } = old;
    this.#previous = {
      package: old.packageName,
      ...(identity ? { identity } : {}),
      generation: old,
      warmUntilMs: Date.now() + this.#options.config.rollout.keepWarmMs,
    };
  }

  #coolLater(): void {
    const { warmUntilMs } = this.#previous ?? {};
    if (warmUntilMs === undefined || this.#isClosed) return;
    this.#coolTimer = setTimeout(() => void this.cool(), warmUntilMs - Date.now());
  }

  #create(named: string, occasion: AdmissionOccasion, isAside: boolean): ModelGeneration {
    const { config } = this.#options;
    // A variant is one of the package that is configured beside it.
    const { variant: _, ...others } = config;
    return new ModelGeneration({
      ...this.#options,
      config: named === config.package ? config : { ...others, package: named },
      occasion,
      isAside,
      ...(isAside ? {} : { runs: this.#runs }),
      check: (model) => occasion === 'change' && checkTask(this.#active.package, model),
      makeRoom: () => this.cool(),
      onChange: () => {
        this.#rollBackLostCanary();
        this.#options.onChange();
      },
    });
  }

  #rollBackLostCanary(): void {
    const { mode, generation } = this.#candidate ?? {};
    if (mode !== 'canary' || !generation || generation.isReady || this.#isClosed) return;
    const why = generation.reason?.message ?? `it is ${generation.state}`;
    this.rollBackCandidate('lost', new VedetteError('WORKER_LOST', `the canary has gone: ${why}`));
  }

  /**
   * The candidate is of no use, by what was measured of it. It goes at once, unless it is being
   * promoted.
   * @returns whether it goes
   */
  rollBackCandidate(cause: RollbackCause, reason: VedetteError): boolean {
    if (!this.#candidate || this.#candidate.generation === this.#incoming) return false;
    void this.#reported(this.dropCandidate('rolled-back', cause, reason));
    return true;
  }
}
