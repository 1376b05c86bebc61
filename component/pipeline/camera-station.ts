import { createDriver, resolvePolicy } from '../camera/create-driver.ts';
import { isOwnTrigger, slotsOf } from '../contract/check-camera-source.ts';
import { CameraSupervisor } from '../camera/camera-supervisor.ts';
import type { SharedSource, SourceBoard } from '../camera/source-board.ts';
import { FrameSlots } from '../camera/frame-slots.ts';
import type { ClipStore } from '../delivery/clip-store.ts';
import { EventRecorder } from './event-recorder.ts';
import type { CameraHealthChange } from '../camera/camera-health.ts';
import { PushCamera } from '../camera/push-camera.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import type { SecretReference } from '../contract/config-values.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  CameraDriver,
  CameraStatus,
  NewResult,
  Notice,
  StoredCapture,
} from '../contract/ports.ts';
import type { TriggerAnswer, TriggerRequest } from '../contract/transaction.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CandidateWatch } from './candidate/candidate-watch.ts';
import { CameraStatistics } from './camera-statistics.ts';
import { CameraTroubles } from './camera-troubles.ts';
import { CurrentSettings } from './current-settings.ts';
import type { FrameSettings } from './frame-settings.ts';
import { healthNotice } from './health-notice.ts';
import { HealthWatch } from './health-watch.ts';
import type { JudgedFrame } from './judged-frame.ts';
import { rulesOf } from './judging-sets.ts';
import { createResultKeeper, type KeepDependencies, type ResultKeeper } from './keep-result.ts';
import { PushedFrames } from './pushed-frames.ts';
import { PictureScaling } from './picture-scaling.ts';
import { furnitureOf } from './scene-furniture.ts';
import { CurrentScene } from './space/current-scene.ts';
import { keepRefused, runCamera, type CameraLine } from './run-camera.ts';
import { CameraTriggers } from './transactions/camera-triggers.ts';
import { runTriggered } from './transactions/run-triggered.ts';
import type { FrameWatchers } from './triggers/frame-watchers.ts';
import type { Transaction } from './transactions/transaction.ts';
import type { TriggerMemory } from './transactions/trigger-memory.ts';

type Shared = Pick<
  KeepDependencies,
  'registry' | 'captureStore' | 'snapshots' | 'pictures' | 'liveView' | 'metrics' | 'faults'
>;

export interface CameraStationOptions extends Shared {
  readonly name: string;
  /** How its first frames are judged. The source is opened as they say for as long as it runs. */
  readonly settings: FrameSettings;
  /** What tries out other versions of a model; nothing does of a chain. */
  readonly candidatesOf: (name: string) => CandidateWatch | undefined;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** After each change of state. Must not throw. */
  readonly onChange: (status: CameraStatus) => void;
  /** Of what an operator should know, for the registry too. Must not throw. */
  readonly notify: (notice: Notice) => void;
  /** After each stored result. Must not throw. */
  readonly onResult: (result: InferenceResult) => void;
  /** Each verdict at once, before it is stored. Must not throw or take time. */
  readonly onVerdict: (result: NewResult) => void;
  readonly clips: ClipStore;
  /** The ids of its triggers. */
  readonly triggerMemory: TriggerMemory;
  /** Who looks at its frames as they pass, when it is triggered. */
  readonly frameWatchers: FrameWatchers;
  /** Where cameras that share a source find each other. */
  readonly board: SourceBoard;
  /** The open cameras by now, this one too. */
  readonly stations: () => readonly CameraStation[];
}

/** One configured camera: its source, slots, statistics and the loop that judges its frames. */
export class CameraStation {
  readonly name: string;
  readonly #options: CameraStationOptions;
  readonly #settings: CurrentSettings;
  readonly #statistics = new CameraStatistics();
  readonly #stop = new AbortController();
  readonly #pushed: PushedFrames;
  readonly #troubles: CameraTroubles;
  readonly #scene: CurrentScene;
  readonly #createdAtMs = Date.now();
  readonly #shared = (): SharedSource => ({
    status: this.status(),
    ...(this.#slots === undefined ? {} : { frames: this.#slots.shared }),
  });
  readonly #scaling: PictureScaling;
  #slots: FrameSlots | undefined;
  #supervisor: CameraSupervisor | undefined;
  #driver: CameraDriver | undefined;
  #line: CameraLine | undefined;
  #loop: Promise<void> | undefined;
  #keeper: ResultKeeper | undefined;
  #triggers: CameraTriggers | undefined;
  #health: HealthWatch | undefined;
  #recorder: EventRecorder | undefined;

  constructor(options: CameraStationOptions) {
    this.name = options.name;
    this.#options = options;
    this.#settings = new CurrentSettings(options.settings);
    this.#pushed = new PushedFrames(options.name, () => this.#settings.now);
    const { name: camera, faults, registry } = options;
    const onChange = () => options.onChange(this.status());
    this.#scaling = new PictureScaling(
      this.#settings,
      (why) => this.#openAnew(why),
      () => this.#sharers().map((one) => one.#scaling),
    );
    this.#troubles = new CameraTroubles({ camera, faults, onChange });
    const restarts = () => this.#supervisor?.status.restarts ?? 0;
    this.#scene = new CurrentScene({ camera, faults, registry, restarts });
  }

  get #config(): RuntimeConfig {
    return this.#settings.now.config;
  }

  get #camera(): CameraConfig {
    return this.#config.cameras[this.name]!;
  }

  /**
   * Triggers are taken from now on, while the station of before may still hold the device: they wait for
   * the first frame, and end fail-safe without it. Cannot fail: what lacks memory now is tried again by
   * `start`.
   */
  admit(): void {
    try {
      this.#line ??= this.#assemble();
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      this.#options.faults.warn(
        `admit/${this.name}/${error.code}`,
        { camera: this.name, error },
        'a camera takes no triggers until it is opened',
      );
    }
  }

  start(): void {
    this.#showFurniture();
    this.#line ??= this.#assemble();
    this.#options.board.offer(this.name, this.#shared);
    if (this.#line === undefined) return;
    this.#loop = this.#begin(this.#line);
    void this.#open(this.#supervisor!, this.#line.scaling);
  }

  /** All that its frames pass through; nothing of a camera that is disabled. */
  #assemble(): CameraLine | undefined {
    const { name, faults, liveView } = this.#options;
    const config = this.#config;
    if (!this.#camera.isEnabled) return undefined;

    const { recording } = this.#camera;
    if (recording !== undefined) {
      const { clips } = this.#options;
      this.#recorder = new EventRecorder({ camera: name, recording, clips, faults });
    }
    const recorder = this.#recorder;
    const scaling = this.#scaling;
    const driver: CameraDriver = createDriver({
      ...(recorder === undefined ? {} : { encoded: recorder.ring }),
      name,
      camera: this.#camera,
      ffmpegPath: config.ffmpeg.path,
      readSecret: this.#options.readSecret,
      scaledSize: (source) => scaling.sizeFor(source),
      board: this.#options.board,
    });
    const slots = new FrameSlots({
      slots: slotsOf(this.#camera),
      slotBytes: this.#camera.maxFrameBytes,
      policy: resolvePolicy(this.#camera),
      onDrop: (reason, _count, error) => {
        if (reason === 'unchanged') this.#health?.repeat();
        // A frame overwritten by a newer one is how `newest` works; `unreadable` is logged where it was seen.
        if (!error || reason === 'overwritten') return;
        faults.warn(
          `drop/${name}/${reason}`,
          { camera: name, reason, error },
          'a frame was dropped',
        );
      },
      onRefused: (refused, signal) => keepRefused(line, refused, signal),
      onTrouble: (trouble) => this.#troubles.set('source', trouble),
    });
    const supervisor = new CameraSupervisor({
      name,
      driver,
      slots,
      onChange: () => {
        this.#options.board.tellChanged(name);
        this.#options.onChange(this.status());
      },
    });
    this.#driver = driver;
    this.#slots = slots;
    this.#supervisor = supervisor;
    const keeper = createResultKeeper({
      ...this.#options,
      camera: name,
      slots,
      driver,
      statistics: this.#statistics,
      signal: this.#stop.signal,
      isAwaited: (frame) => this.#pushed.isAwaited(frame),
      onStored: (resultId) => this.#triggers?.stored(resultId),
      onNotStored: (resultId) => this.#triggers?.notStored(resultId),
      onKept: (judged, kept) => this.#onKept(judged, kept),
    });
    this.#keeper = keeper;
    this.#health = new HealthWatch({
      ...{ camera: name, slots, faults, pictures: this.#options.pictures },
      settings: () => this.#camera,
      onChange: (changes) => this.#onHealth(changes),
    });
    const line: CameraLine = {
      name,
      slots,
      settings: this.#settings,
      sceneFor: (settings) => this.#scene.for(settings),
      candidatesOf: this.#options.candidatesOf,
      hasViewers: () => liveView.hasViewers(name),
      contextOf: (frame) => this.#pushed.contextOf(frame),
      isAbandoned: (frame) => this.#pushed.isAbandoned(frame),
      keep: (judged) => {
        this.#pushed.judged(judged.frame);
        const momentMs = judged.frame.capturedSteadyMs ?? performance.now();
        const result = recorder?.see(judged.result, momentMs) ?? judged.result;
        this.#options.onVerdict(result);
        if (judged.lease) this.#health?.offer(judged.lease, judged.settings.view);
        return keeper.keep({ ...judged, result });
      },
      scaling,
      faults,
    };
    if (this.#camera.policy === 'triggered') this.#triggers = this.#createTriggers(line);
    return line;
  }

  async #open(supervisor: CameraSupervisor, scaling: PictureScaling): Promise<void> {
    const { source } = this.#camera;
    // What its pictures are scaled to depends on the models.
    if (source.kind === 'ffmpeg' && source.scaling === 'model') await scaling.modelsKnown();
    if (!this.#stop.signal.aborted) supervisor.start();
  }

  /** Cameras that have their frames from it. */
  #sharers(): readonly CameraStation[] {
    return this.#options
      .stations()
      .filter((one) => one.#other === this.name && one.#camera.isEnabled);
  }

  /** The camera whose frames it gets. */
  get #other(): string | undefined {
    const { source } = this.#camera;
    return source.kind === 'camera' ? source.camera : undefined;
  }

  /** The source, which may be another camera's. Whether it can be. */
  #openAnew(why: VedetteError): boolean {
    const other = this.#other;
    const owner = this.#options.stations().find(({ name }) => name === (other ?? this.name));
    if (owner === undefined) return false;
    const [driver, supervisor] = [owner.#driver, owner.#supervisor];
    if (driver === undefined || supervisor === undefined || driver.endsForGood) return false;
    supervisor.restart(why);
    return true;
  }

  async #begin(line: CameraLine): Promise<void> {
    await this.#scene.for(this.#settings.now);
    const triggers = this.#triggers;
    if (triggers === undefined) return runCamera(line, this.#stop.signal);
    const triggered = {
      ...line,
      book: triggers.book,
      isOwnTrigger: isOwnTrigger(this.#camera),
      watchers: this.#options.frameWatchers,
      opened: (transaction: Transaction) => void triggers.opened(transaction),
      decided: (transaction: Transaction, result: NewResult) =>
        triggers.decided(transaction, result),
    };
    return runTriggered(triggered, this.#stop.signal);
  }

  #createTriggers({ slots, keep }: CameraLine): CameraTriggers {
    const { name, registry, faults, triggerMemory, metrics } = this.#options;
    return new CameraTriggers({
      metrics: metrics.transactions,
      ...{ camera: name, registry, faults, keep, frames: slots, memory: triggerMemory },
      signal: this.#stop.signal,
      settings: () => this.#settings.now,
      describeSource: () => {
        const { state, reason } = this.status();
        return `the camera is ${state}${reason === undefined ? '' : `: ${reason.message}`}`;
      },
    });
  }

  /**
   * Asks for the verdict on the part that is in front of the camera.
   * @throws VedetteError CAMERA_DISABLED, CAMERA_NOT_TRIGGERED, REQUEST_INVALID, TRIGGER_DROPPED,
   * SHUTTING_DOWN
   */
  trigger(request: TriggerRequest): TriggerAnswer {
    this.#enabled();
    const { policy } = this.#camera;
    if (policy !== 'triggered' || isOwnTrigger(this.#camera)) {
      const why =
        policy === 'triggered' ? 'its frames are its triggers' : `its policy is ${policy}`;
      throw new VedetteError('CAMERA_NOT_TRIGGERED', `Camera ${this.name} takes none: ${why}`);
    }
    if (this.#triggers === undefined) throw this.#notOpened();
    return this.#triggers.trigger(request);
  }

  get openTriggers(): number {
    return this.#triggers?.book.openCount ?? 0;
  }

  /** Frames that are taken from now on are judged and kept by these; the source goes on. */
  use(settings: FrameSettings): void {
    this.#settings.replace(settings);
    this.#showFurniture();
  }

  #showFurniture(): void {
    const { name, liveView } = this.#options;
    liveView.setCamera(name, furnitureOf(this.#config, name, rulesOf(this.#config, name)));
  }

  /**
   * Hands a picture to a camera of kind `push`; resolves with its stored result.
   * @throws VedetteError REQUEST_INVALID, CAMERA_DISABLED, MODEL_NOT_READY, IMAGE_…, OVERLOADED,
   * SHUTTING_DOWN, STORAGE_FULL, and what `ModelHost.infer` throws
   */
  async push(
    data: Uint8Array,
    context: Readonly<Record<string, unknown>> | undefined,
    fileName: string | undefined,
  ): Promise<InferenceResult> {
    if (!this.#camera.isEnabled) {
      throw new VedetteError('CAMERA_DISABLED', `Camera ${this.name} is disabled`);
    }
    if (this.#camera.source.kind !== 'push') {
      throw new VedetteError(
        'REQUEST_INVALID',
        `Camera ${this.name} is of kind ${this.#camera.source.kind}; frames are pushed only to cameras of kind push`,
      );
    }
    const driver = this.#driver;
    if (this.#loop === undefined || !(driver instanceof PushCamera)) throw this.#notOpened();
    return this.#pushed.push(driver, data, context, fileName);
  }

  #notOpened(): VedetteError {
    const message = `Camera ${this.name} is being opened by a new configuration; send again in a moment`;
    return new VedetteError('SHUTTING_DOWN', message);
  }

  /** Pictures that were pushed and have no answer yet. */
  get pushesUnderWay(): number {
    return this.#pushed.size;
  }

  /**
   * Keeps the next picture that is judged.
   * @throws VedetteError CAMERA_DISABLED, STORAGE_FULL, REGISTRY_UNAVAILABLE, and the reason of `signal`
   */
  async snapshot(signal: AbortSignal): Promise<StoredCapture> {
    this.#enabled();
    return this.#options.snapshots.next(this.name, signal);
  }

  /** Closes the source and opens it again. @throws VedetteError CAMERA_DISABLED, REQUEST_INVALID */
  restart(): void {
    const supervisor = this.#enabled();
    // What was not opened yet is about to be.
    if (this.#loop !== undefined) supervisor?.restart();
  }

  #enabled(): CameraSupervisor | undefined {
    if (this.#camera.isEnabled) return this.#supervisor;
    throw new VedetteError('CAMERA_DISABLED', `Camera ${this.name} is disabled`);
  }

  status(): CameraStatus {
    const health = this.#supervisor?.status;
    return {
      title: this.#camera.title ?? this.name,
      kind: this.#camera.source.kind,
      ...(this.#other === undefined ? {} : { framesOf: this.#other }),
      model: this.#camera.model,
      ...(health ?? {
        name: this.name,
        state: this.#camera.isEnabled ? 'starting' : 'disabled',
        stateSinceMs: this.#createdAtMs,
        restarts: 0,
        framesDelivered: 0,
        framesDropped: {},
      }),
      ...(health?.reason === undefined ? this.#troubles.reason() : {}),
      ...this.#statistics.snapshot(),
      ...this.#scene.status(),
      ...(this.#driver?.decoder === undefined ? {} : { decoder: this.#driver.decoder }),
      ...(this.#health?.state ? { health: this.#health.state } : {}),
      ...(this.#triggers ? { triggers: this.#triggers.status() } : {}),
    };
  }

  #onHealth(changes: readonly CameraHealthChange[]): void {
    for (const change of changes) this.#options.notify(healthNotice(this.name, change));
    this.#options.onChange(this.status());
  }

  /** Stops the source, lets the frame under way end, gives the memory back. */
  async close(): Promise<void> {
    // Who waits has an answer before anything else ends.
    this.#triggers?.end();
    this.#stop.abort();
    this.#options.board.withdraw(this.name, this.#shared);
    await this.#supervisor?.close();
    await this.#recorder?.close();
    this.#slots?.close();
    await this.#loop;
    await this.#keeper?.ended();
    await this.#triggers?.settled();
    await this.#scene.close();
    const stopped = new VedetteError('SHUTTING_DOWN', `Camera ${this.name} was stopped`);
    this.#pushed.rejectAll(stopped);
  }

  #onKept(judged: JudgedFrame, kept: InferenceResult | VedetteError): void {
    const { frame, end, error } = judged;
    this.#triggers?.kept(judged, kept);
    if (end === 'misfit') this.#troubles.set('frame', error);
    else if (error === undefined) this.#troubles.set('frame', undefined);
    this.#pushed.settle(frame, kept instanceof VedetteError ? kept : (error ?? kept));
    if (!(kept instanceof VedetteError)) this.#options.onResult(kept);
  }
}
