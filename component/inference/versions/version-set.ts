import { VedetteError } from '../../contract/errors.ts';
import type {
  CandidateMode,
  ModelChangeKind,
  ModelChangeRecord,
  RememberedModel,
  RollbackCause,
} from '../../contract/model-lifecycle.ts';
import type { AdmissionOccasion } from '../admit-model.ts';
import type { ModelGeneration } from '../model-generation.ts';
import type { CloseReport } from '../generation-options.ts';
import { checkTask } from './check-task.ts';
import { createVersion } from './create-version.ts';
import { reported, retireVersion } from './retire-version.ts';
import type { Retirement } from './retire-version.ts';
import { VersionMemory } from './version-memory.ts';
import { remembered } from './version-roles.ts';
import type {
  Candidate,
  PreviousVersion,
  VersionSetOptions,
  VersionSettings,
} from './version-roles.ts';
import { WarmPrevious } from './warm-previous.ts';

export type { Candidate, PreviousVersion, VersionSetOptions } from './version-roles.ts';

type Cause = ModelChangeRecord['cause'];

/**
 * The versions of one model: the active one, the one before, a candidate. Which of them answers
 * changes between two frames: it is one assignment on the main thread, made when the new state is on
 * the disk.
 */
export class VersionSet {
  readonly memory: VersionMemory;
  #options: VersionSetOptions;
  readonly #runs = { inferences: 0, failures: 0 };
  #active: ModelGeneration;
  readonly #warm = new WarmPrevious();
  #candidate: Candidate | undefined;
  #incoming: ModelGeneration | undefined;
  #isClosed = false;

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
    return this.#warm.version;
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

  /**
   * Another package takes the place of an active version that is not loaded or has failed.
   * @param isAnew also the same package, by other settings
   */
  async replaceUnloaded(
    named: string,
    previous: PreviousVersion | undefined,
    isAnew = false,
  ): Promise<void> {
    const old = this.#active;
    this.#warm.replace(previous);
    if (isAnew || named !== old.packageName) this.#active = this.#create(named, 'start', false);
    this.#options.onChange();
    if (old !== this.#active) await this.retire(old, { drainMs: 0 });
  }

  /** A candidate of the run before, which is on the disk already. */
  resume(candidate: Candidate): void {
    this.#candidate = candidate;
    this.#incoming = undefined;
    this.#options.onChange();
  }

  // ------------------------------------------------------------------ another configuration

  /** Versions are loaded by these from now on. */
  configure(settings: VersionSettings): void {
    this.#options = { ...this.#options, ...settings };
  }

  /**
   * From the next frame on this generation answers: of the version that did, or of another one that
   * takes its place, which is remembered already.
   * @returns those that have no role any more, to be retired
   */
  replaceActive(generation: ModelGeneration): readonly ModelGeneration[] {
    const old = this.#active;
    this.#active = generation;
    this.#incoming = undefined;
    if (generation.packageName === old.packageName) return [old];
    const candidate = this.#candidate?.generation;
    const previous = this.previous?.generation;
    this.#candidate = undefined;
    if (old.isReady) this.#warm.keep(old, this.#options.config.rollout.keepWarmMs);
    this.#coolLater();
    return [candidate, old.isReady ? previous : old].filter((one) => one !== undefined);
  }

  // ------------------------------------------------------------------ changes

  /**
   * Loads a version beside those that are there, and keeps it `incoming` until it is given its role.
   * A failure leaves nothing of it.
   * @param isAside it will only be compared: one worker at a low priority
   * @param settings those of a configuration that is not in force yet
   * @throws VedetteError see ModelGeneration.load
   */
  async load(
    named: string,
    occasion: AdmissionOccasion,
    isAside: boolean,
    settings?: VersionSettings,
  ): Promise<ModelGeneration> {
    const generation = this.#create(named, occasion, isAside, settings);
    this.#incoming = generation;
    try {
      await generation.load(await generation.signature());
      if (this.#isClosed) throw new VedetteError('SHUTTING_DOWN', 'the model is being closed');
      return generation;
    } catch (error) {
      await this.retire(generation, { drainMs: 0 });
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
    await this.retire(before?.generation, { handsBack: true });
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
      previous = this.previous?.generation;
      this.#warm.keep(this.#active, this.#options.config.rollout.keepWarmMs);
      this.#active = generation;
      this.#candidate = undefined;
    });
    this.record(kind, generation.packageName, cause, mode ? { mode } : {});
    this.#options.onChange();
    if (candidate !== generation) await this.retire(candidate, { handsBack: true });
    if (previous !== generation) await this.retire(previous);
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
    const retired = this.retire(generation, { handsBack: true });
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
    const generation = this.#warm.cool();
    if (!generation) return;
    this.#options.onChange();
    await this.retire(generation);
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
    this.#warm.stop();
    const generations = [
      this.#active,
      this.previous?.generation,
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
    this.#warm.stop();
    try {
      await this.memory.save(changed);
      await this.#requireFit(generation);
      assign();
    } catch (error) {
      const isKnown = [this.#candidate?.generation, this.previous?.generation].includes(generation);
      if (!isKnown) await this.retire(generation, { drainMs: 0 });
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
    await reported(
      this.memory.correct(() => this.#roles()),
      this.#options.onFault,
    );
    throw new VedetteError(
      'MODEL_NOT_READY',
      `${packageName} is ${state} since its role was remembered, expected ready`,
    );
  }

  /** What is to be remembered of the versions as they are. */
  #roles(): Partial<RememberedModel> {
    return {
      activePackage: this.#active.packageName,
      previousPackage: this.previous?.package,
      candidate: this.#candidate && remembered(this.#candidate),
    };
  }

  /** Closes what has no role any more. */
  async retire(generation: ModelGeneration | undefined, how: Retirement = {}): Promise<void> {
    if (this.#incoming === generation) this.#incoming = undefined;
    await retireVersion(generation, how, this.#options.onFault);
  }

  #coolLater(): void {
    if (!this.#isClosed) this.#warm.watch(() => void this.cool());
  }

  #create(
    named: string,
    occasion: AdmissionOccasion,
    isAside: boolean,
    settings?: VersionSettings,
  ): ModelGeneration {
    return createVersion({ ...this.#options, ...settings }, named, {
      occasion,
      isAside,
      ...(isAside ? {} : { runs: this.#runs }),
      // A configuration brings the rules that fit its models.
      check: (model) =>
        occasion === 'change' && !settings && checkTask(this.#active.package, model),
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
    void reported(this.dropCandidate('rolled-back', cause, reason), this.#options.onFault);
    return true;
  }
}
