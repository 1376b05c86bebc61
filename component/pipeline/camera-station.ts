import { createDriver, resolvePolicy } from '../camera/create-driver.ts';
import { isOwnTrigger, slotsOf } from '../contract/check-camera-source.ts';
import { CameraSupervisor } from '../camera/camera-supervisor.ts';
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
import { CurrentSettings } from './current-settings.ts';
import type { FrameSettings } from './frame-settings.ts';
import { healthNotice } from './health-notice.ts';
import { HealthWatch } from './health-watch.ts';
import { rulesOf } from './judging-sets.ts';
import {
  createResultKeeper,
  type JudgedFrame,
  type KeepDependencies,
  type ResultKeeper,
} from './keep-result.ts';
import { PushedFrames } from './pushed-frames.ts';
import { PictureScaling } from './picture-scaling.ts';
import { furnitureOf } from './scene-furniture.ts';
import { CameraScene, isTracking } from './space/camera-scene.ts';
import { CounterLedger } from './space/counter-ledger.ts';
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
}

/** One configured camera: its source, slots, statistics and the loop that judges its frames. */
export class CameraStation {
  readonly name: string;
  readonly #options: CameraStationOptions;
  readonly #settings: CurrentSettings;
  readonly #statistics = new CameraStatistics();
  readonly #stop = new AbortController();
  readonly #pushed: PushedFrames;
  /** What is wrong though the source is open, by who saw it. */
  readonly #troubles = new Map<'source' | 'frame', VedetteError>();
  readonly #createdAtMs = Date.now();
  #slots: FrameSlots | undefined;
  #supervisor: CameraSupervisor | undefined;
  #driver: CameraDriver | undefined;
  #loop: Promise<void> | undefined;
  #keeper: ResultKeeper | undefined;
  #scene: CameraScene | undefined;
  #ledger: CounterLedger | undefined;
  #triggers: CameraTriggers | undefined;
  #health: HealthWatch | undefined;
  #recorder: EventRecorder | undefined;

  constructor(options: CameraStationOptions) {
    this.name = options.name;
    this.#options = options;
    this.#settings = new CurrentSettings(options.settings);
    this.#pushed = new PushedFrames(options.name, () => this.#settings.now);
  }

  get #config(): RuntimeConfig {
    return this.#settings.now.config;
  }

  get #camera(): CameraConfig {
    return this.#config.cameras[this.name]!;
  }

  start(): void {
    const { name, faults, liveView } = this.#options;
    const config = this.#config;
    this.#showFurniture();
    if (!this.#camera.isEnabled) return;

    const { recording } = this.#camera;
    if (recording !== undefined) {
      const { clips } = this.#options;
      this.#recorder = new EventRecorder({ camera: name, recording, clips, faults });
    }
    const recorder = this.#recorder;
    const scaling = new PictureScaling(this.#settings, (why) => {
      if (driver.endsForGood) return false;
      supervisor.restart(why);
      return true;
    });
    const driver: CameraDriver = createDriver({
      ...(recorder === undefined ? {} : { encoded: recorder.ring }),
      name,
      camera: this.#camera,
      ffmpegPath: config.ffmpeg.path,
      readSecret: this.#options.readSecret,
      scaledSize: (source) => scaling.sizeFor(source),
    });
    const slots = new FrameSlots({
      slots: slotsOf(this.#camera),
      slotBytes: this.#camera.maxFrameBytes,
      policy: resolvePolicy(this.#camera),
      onDrop: (reason, _count, error) => {
        // A frame overwritten by a newer one is how `newest` works; `unreadable` is logged where it was seen.
        if (!error || reason === 'overwritten') return;
        faults.warn(
          `drop/${name}/${reason}`,
          { camera: name, reason, error },
          'a frame was dropped',
        );
      },
      onRefused: (refused, signal) => keepRefused(line, refused, signal),
      onTrouble: (trouble) => this.#setTrouble('source', trouble),
    });
    const supervisor = new CameraSupervisor({
      name,
      driver,
      slots,
      onChange: () => this.#options.onChange(this.status()),
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
      sceneFor: (settings) => this.#sceneFor(settings),
      candidatesOf: this.#options.candidatesOf,
      hasViewers: () => liveView.hasViewers(name),
      contextOf: (frame) => this.#pushed.contextOf(frame),
      isAbandoned: (frame) => this.#pushed.isAbandoned(frame),
      keep: (judged) => {
        this.#pushed.judged(judged.frame);
        const result = recorder?.see(judged.result, judged.frame.capturedAtMs) ?? judged.result;
        this.#options.onVerdict(result);
        if (judged.lease) this.#health?.offer(judged.lease, judged.settings.view);
        return keeper.keep({ ...judged, result });
      },
      scaling,
      faults,
    };
    if (this.#camera.policy === 'triggered') this.#triggers = this.#createTriggers(line);
    this.#loop = this.#begin(line);
    void this.#open(supervisor, scaling);
  }

  async #open(supervisor: CameraSupervisor, scaling: PictureScaling): Promise<void> {
    const { source } = this.#camera;
    // What its pictures are scaled to depends on the models.
    if (source.kind === 'ffmpeg' && source.scaling === 'model') await scaling.modelsKnown();
    if (!this.#stop.signal.aborted) supervisor.start();
  }

  async #begin(line: CameraLine): Promise<void> {
    await this.#sceneFor(this.#settings.now);
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
    if (this.#triggers === undefined || isOwnTrigger(this.#camera)) {
      const why =
        policy === 'triggered' ? 'its frames are its triggers' : `its policy is ${policy}`;
      throw new VedetteError('CAMERA_NOT_TRIGGERED', `Camera ${this.name} takes none: ${why}`);
    }
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

  /** Counts go on where they stood before the first frame is judged by them. */
  async #sceneFor({ config }: FrameSettings): Promise<CameraScene | undefined> {
    const { name, registry, faults } = this.#options;
    if (!isTracking(config, name)) return (this.#scene = undefined);
    if (this.#scene === undefined) {
      this.#ledger ??= await loadedLedger(new CounterLedger(name, registry, faults));
      const restarts = () => this.#supervisor?.status.restarts ?? 0;
      const parts = { camera: name, config, ledger: this.#ledger, faults, restarts };
      this.#scene = new CameraScene(parts);
    }
    this.#scene.use(config);
    return this.#scene;
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
    const driver = this.#driver;
    if (!(driver instanceof PushCamera)) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `Camera ${this.name} is of kind ${this.#camera.source.kind}; frames are pushed only to cameras of kind push`,
      );
    }
    return this.#pushed.push(driver, data, context, fileName);
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
    this.#enabled()?.restart();
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
      model: this.#camera.model,
      ...(health ?? {
        name: this.name,
        state: this.#camera.isEnabled ? 'starting' : 'disabled',
        stateSinceMs: this.#createdAtMs,
        restarts: 0,
        framesDelivered: 0,
        framesDropped: {},
      }),
      ...(health?.reason === undefined ? this.#troubleReason() : {}),
      ...this.#statistics.snapshot(),
      ...(this.#scene ? { space: this.#scene.state() } : {}),
      ...(this.#driver?.decoder === undefined ? {} : { decoder: this.#driver.decoder }),
      ...(this.#health?.state ? { health: this.#health.state } : {}),
      ...(this.#triggers ? { triggers: this.#triggers.status() } : {}),
    };
  }

  #onHealth(changes: readonly CameraHealthChange[]): void {
    for (const change of changes) this.#options.notify(healthNotice(this.name, change));
    this.#options.onChange(this.status());
  }

  #troubleReason(): Pick<CameraStatus, 'reason'> {
    const [trouble] = this.#troubles.values();
    return trouble === undefined ? {} : { reason: trouble.serialize() };
  }

  #setTrouble(of: 'source' | 'frame', trouble: VedetteError | undefined): void {
    const before = this.#troubles.get(of);
    if (trouble === undefined) this.#troubles.delete(of);
    else this.#troubles.set(of, trouble);
    if (before?.code !== trouble?.code) this.#options.onChange(this.status());
    if (trouble !== undefined) {
      this.#options.faults.warn(
        `trouble/${this.name}/${trouble.code}`,
        { camera: this.name, error: trouble },
        'a camera runs, but not all of it can be judged',
      );
    }
  }

  /** Stops the source, lets the frame under way end, gives the memory back. */
  async close(): Promise<void> {
    // Who waits has an answer before anything else ends.
    this.#triggers?.end();
    this.#stop.abort();
    await this.#supervisor?.close();
    await this.#recorder?.close();
    this.#slots?.close();
    await this.#loop;
    await this.#keeper?.ended();
    await this.#triggers?.settled();
    await this.#ledger?.close();
    const stopped = new VedetteError('SHUTTING_DOWN', `Camera ${this.name} was stopped`);
    this.#pushed.rejectAll(stopped);
  }

  #onKept(judged: JudgedFrame, kept: InferenceResult | VedetteError): void {
    const { frame, end, error } = judged;
    this.#triggers?.kept(judged, kept);
    if (end === 'misfit') this.#setTrouble('frame', error);
    else if (error === undefined) this.#setTrouble('frame', undefined);
    this.#pushed.settle(frame, kept instanceof VedetteError ? kept : (error ?? kept));
    if (!(kept instanceof VedetteError)) this.#options.onResult(kept);
  }
}

async function loadedLedger(ledger: CounterLedger): Promise<CounterLedger> {
  await ledger.load();
  return ledger;
}
