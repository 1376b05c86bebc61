import type { CameraHealthChange } from '../camera/camera-health.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import { isOwnTrigger } from '../contract/check-camera-source.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameLease, FrameView } from '../contract/frame.ts';
import type { CameraStatus, NewResult, Notice } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CandidateWatch } from './candidate/candidate-watch.ts';
import { CameraStatistics } from './camera-statistics.ts';
import { CameraTroubles } from './camera-troubles.ts';
import type { CurrentSettings } from './current-settings.ts';
import { healthNotice } from './health-notice.ts';
import { HealthWatch } from './health-watch.ts';
import type { JudgedFrame } from './judged-frame.ts';
import { createResultKeeper, type KeepDependencies, type ResultKeeper } from './keep-result.ts';
import { PushedFrames } from './pushed-frames.ts';
import { keepRefused, runCamera, type CameraLine } from './run-camera.ts';
import { CurrentScene } from './space/current-scene.ts';
import { SupervisedSource, type SupervisedSourceOptions } from './supervised-source.ts';
import { CameraTriggers } from './transactions/camera-triggers.ts';
import { runTriggered } from './transactions/run-triggered.ts';
import type { Transaction } from './transactions/transaction.ts';
import type { TriggerMemory } from './transactions/trigger-memory.ts';
import type { FrameWatchers } from './triggers/frame-watchers.ts';

type OfSource = 'name' | 'readSecret' | 'scaling' | 'board' | 'clips' | 'onChange';
type OfKeeping = 'registry' | 'captureStore' | 'snapshots' | 'pictures' | 'liveView' | 'metrics';

export interface EnabledCameraOptions
  extends Pick<SupervisedSourceOptions, OfSource>, Pick<KeepDependencies, OfKeeping | 'faults'> {
  /** How its next frame is judged. */
  readonly settings: CurrentSettings;
  /** What tries out other versions of a model; nothing does of a chain. */
  readonly candidatesOf: (name: string) => CandidateWatch | undefined;
  /** Of what an operator should know, for the registry too. Must not throw. */
  readonly notify: (notice: Notice) => void;
  /** After each stored result. Must not throw. */
  readonly onResult: (result: InferenceResult) => void;
  /** Each verdict at once, before it is stored. Must not throw or take time. */
  readonly onVerdict: (result: NewResult) => void;
  /** The ids of its triggers. */
  readonly triggerMemory: TriggerMemory;
  /** Who looks at its frames as they pass, when it is triggered. */
  readonly frameWatchers: FrameWatchers;
}

/** A camera from its source to its stored verdicts: all that its frames pass through. */
export class EnabledCamera {
  readonly source: SupervisedSource;
  readonly pushed: PushedFrames;
  /** Of a triggered camera: taken from the beginning, before it is started. */
  readonly triggers: CameraTriggers | undefined;
  readonly #options: EnabledCameraOptions;
  readonly #statistics = new CameraStatistics();
  readonly #stop = new AbortController();
  readonly #troubles: CameraTroubles;
  readonly #scene: CurrentScene;
  readonly #health: HealthWatch;
  readonly #keeper: ResultKeeper;
  readonly #line: CameraLine;
  #loop: Promise<void> | undefined;

  /** Opens nothing. @throws VedetteError CONFIG_INVALID, IMAGE_TOO_LARGE (the system refused the memory) */
  constructor(options: EnabledCameraOptions) {
    const { name: camera, faults, registry, onChange, settings } = options;
    this.#options = options;
    this.pushed = new PushedFrames(camera, () => settings.now);
    this.#troubles = new CameraTroubles({ camera, faults, onChange });
    const restarts = () => this.source.status.restarts;
    this.#scene = new CurrentScene({ camera, faults, registry, restarts });
    this.source = new SupervisedSource({
      ...options,
      camera: this.#config,
      ffmpegPath: settings.now.config.ffmpeg.path,
      onUnchanged: () => this.#health.repeat(),
      onRefused: (refused, signal) => keepRefused(this.#line, refused, signal),
      onTrouble: (trouble) => this.#troubles.set('source', trouble),
    });
    const { slots } = this.source;
    this.#keeper = this.#createKeeper();
    this.#health = new HealthWatch({
      ...{ camera, slots, faults, pictures: options.pictures },
      settings: () => this.#config,
      onChange: (changes) => this.#onHealth(changes),
    });
    this.#line = {
      ...{ name: camera, slots, settings, faults, scaling: options.scaling },
      sceneFor: (now) => this.#scene.for(now),
      candidatesOf: options.candidatesOf,
      hasViewers: () => options.liveView.hasViewers(camera),
      contextOf: (frame) => this.pushed.contextOf(frame),
      isAbandoned: (frame) => this.pushed.isAbandoned(frame),
      keep: (judged) => this.#keep(judged),
    };
    const isTriggered = this.#config.policy === 'triggered';
    this.triggers = isTriggered ? this.#createTriggers() : undefined;
  }

  get #config(): CameraConfig {
    const { name, settings } = this.#options;
    return settings.now.config.cameras[name]!;
  }

  /** Its frames are judged from now on. */
  start(): void {
    this.#loop = this.#judgeFrames();
    void this.source.start(this.#stop.signal);
  }

  get isStarted(): boolean {
    return this.#loop !== undefined;
  }

  status(): Omit<CameraStatus, 'title' | 'kind' | 'framesOf' | 'model'> {
    const { status, driver } = this.source;
    return {
      ...status,
      ...(status.reason === undefined ? this.#troubles.reason() : {}),
      ...this.#statistics.snapshot(),
      ...this.#scene.status(),
      ...(driver.decoder === undefined ? {} : { decoder: driver.decoder }),
      ...(this.#health.state ? { health: this.#health.state } : {}),
      ...(this.triggers ? { triggers: this.triggers.status() } : {}),
    };
  }

  /** Stops the source, lets the frame under way end, gives the memory back. */
  async close(): Promise<void> {
    // Who waits has an answer before anything else ends.
    this.triggers?.end();
    this.#stop.abort();
    await this.source.close();
    await this.#loop;
    await this.#keeper.ended();
    await this.triggers?.settled();
    await this.#scene.close();
    const message = `Camera ${this.#options.name} was stopped`;
    this.pushed.rejectAll(new VedetteError('SHUTTING_DOWN', message));
  }

  #createKeeper(): ResultKeeper {
    const { slots, driver } = this.source;
    return createResultKeeper({
      ...this.#options,
      ...{ camera: this.#options.name, slots, driver },
      statistics: this.#statistics,
      signal: this.#stop.signal,
      isAwaited: (frame) => this.pushed.isAwaited(frame),
      onStored: (resultId) => this.triggers?.stored(resultId),
      onNotStored: (resultId) => this.triggers?.notStored(resultId),
      onKept: (judged, kept) => this.#onKept(judged, kept),
    });
  }

  #createTriggers(): CameraTriggers {
    const { name, registry, faults, triggerMemory, metrics, settings } = this.#options;
    return new CameraTriggers({
      metrics: metrics.transactions,
      ...{ camera: name, registry, faults, keep: this.#line.keep, memory: triggerMemory },
      frames: this.source.slots,
      signal: this.#stop.signal,
      settings: () => settings.now,
      describeSource: () => {
        const { state, reason } = this.status();
        return `the camera is ${state}${reason === undefined ? '' : `: ${reason.message}`}`;
      },
    });
  }

  async #judgeFrames(): Promise<void> {
    await this.#scene.for(this.#options.settings.now);
    const { triggers } = this;
    const { name, liveView } = this.#options;
    if (triggers === undefined) return runCamera(this.#line, this.#stop.signal);
    const triggered = {
      ...this.#line,
      book: triggers.book,
      isOwnTrigger: isOwnTrigger(this.#config),
      watchers: this.#options.frameWatchers,
      look: (frame: FrameLease, view: FrameView) => {
        this.#health.offer(frame, view);
        void liveView.showPassing(name, frame, view, this.source.slots);
      },
      opened: (transaction: Transaction) => void triggers.opened(transaction),
      decided: (transaction: Transaction, result: NewResult) =>
        triggers.decided(transaction, result),
    };
    return runTriggered(triggered, this.#stop.signal);
  }

  #keep(judged: JudgedFrame): Promise<void> {
    this.pushed.judged(judged.frame);
    const momentMs = judged.frame.capturedSteadyMs ?? performance.now();
    const result = this.source.recorder?.see(judged.result, momentMs) ?? judged.result;
    this.#options.onVerdict(result);
    if (judged.lease) this.#health.offer(judged.lease, judged.settings.view);
    return this.#keeper.keep({ ...judged, result });
  }

  #onKept(judged: JudgedFrame, kept: InferenceResult | VedetteError): void {
    const { frame, end, error } = judged;
    this.triggers?.kept(judged, kept);
    if (end === 'misfit') this.#troubles.set('frame', error);
    else if (error === undefined) this.#troubles.set('frame', undefined);
    this.pushed.settle(frame, kept instanceof VedetteError ? kept : (error ?? kept));
    if (!(kept instanceof VedetteError)) this.#options.onResult(kept);
  }

  #onHealth(changes: readonly CameraHealthChange[]): void {
    const { name, notify, onChange } = this.#options;
    for (const change of changes) notify(healthNotice(name, change));
    onChange();
  }
}
