import { PushCamera } from '../camera/push-camera.ts';
import type { SharedSource } from '../camera/source-board.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import { isOwnTrigger } from '../contract/check-camera-source.ts';
import { VedetteError } from '../contract/errors.ts';
import type { CameraStatus, StoredCapture } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { TriggerAnswer, TriggerRequest } from '../contract/transaction.ts';
import { CameraStatistics } from './camera-statistics.ts';
import { CurrentSettings } from './current-settings.ts';
import { EnabledCamera, type EnabledCameraOptions } from './enabled-camera.ts';
import type { FrameSettings } from './frame-settings.ts';
import { rulesOf } from './judging-sets.ts';
import { PictureScaling } from './picture-scaling.ts';
import { furnitureOf } from './scene-furniture.ts';

export interface CameraStationOptions extends Omit<
  EnabledCameraOptions,
  'settings' | 'scaling' | 'onChange'
> {
  /** How its first frames are judged. The source is opened as they say for as long as it runs. */
  readonly settings: FrameSettings;
  /** After each change of state. Must not throw. */
  readonly onChange: (status: CameraStatus) => void;
  /** The open cameras by now, this one too. */
  readonly stations: () => readonly CameraStation[];
}

/** One configured camera, enabled or not: what it is asked for, and who has its frames. */
export class CameraStation {
  readonly name: string;
  readonly #options: CameraStationOptions;
  readonly #settings: CurrentSettings;
  readonly #scaling: PictureScaling;
  readonly #createdAtMs = Date.now();
  readonly #shared = (): SharedSource => ({
    status: this.status(),
    ...(this.#camera === undefined ? {} : { frames: this.#camera.source.slots.shared }),
  });
  /** Absent while it is disabled, or not put together yet. */
  #camera: EnabledCamera | undefined;

  constructor(options: CameraStationOptions) {
    this.name = options.name;
    this.#options = options;
    this.#settings = new CurrentSettings(options.settings);
    this.#scaling = new PictureScaling(
      this.#settings,
      (why) => this.#openAnew(why),
      () => this.#sharers().map((one) => one.#scaling),
    );
  }

  get #config(): CameraConfig {
    return this.#settings.now.config.cameras[this.name]!;
  }

  /**
   * Triggers are taken from now on, while the station of before may still hold the device: they wait for
   * the first frame, and end fail-safe without it. Cannot fail: what lacks memory now is tried again by
   * `start`.
   */
  admit(): void {
    try {
      this.#camera ??= this.#assemble();
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
    this.#camera ??= this.#assemble();
    this.#options.board.offer(this.name, this.#shared);
    this.#camera?.start();
  }

  #assemble(): EnabledCamera | undefined {
    if (!this.#config.isEnabled) return undefined;
    return new EnabledCamera({
      ...this.#options,
      settings: this.#settings,
      scaling: this.#scaling,
      onChange: () => this.#options.onChange(this.status()),
    });
  }

  /** Frames that are taken from now on are judged and kept by these; the source goes on. */
  use(settings: FrameSettings): void {
    this.#settings.replace(settings);
    this.#showFurniture();
  }

  #showFurniture(): void {
    const { name, liveView } = this.#options;
    const { config } = this.#settings.now;
    liveView.setCamera(name, furnitureOf(config, name, rulesOf(config, name)));
  }

  /** Cameras that have their frames from it. */
  #sharers(): readonly CameraStation[] {
    return this.#options
      .stations()
      .filter((one) => one.#other === this.name && one.#config.isEnabled);
  }

  /** The camera whose frames it gets. */
  get #other(): string | undefined {
    const { source } = this.#config;
    return source.kind === 'camera' ? source.camera : undefined;
  }

  /** The source, which may be another camera's. Whether it can be. */
  #openAnew(why: VedetteError): boolean {
    const other = this.#other;
    const owner = this.#options.stations().find(({ name }) => name === (other ?? this.name));
    if (owner === undefined || owner.#camera === undefined) return false;
    const { source } = owner.#camera;
    if (source.driver.endsForGood) return false;
    source.restart(why);
    return true;
  }

  /**
   * Asks for the verdict on the part that is in front of the camera.
   * @throws VedetteError CAMERA_DISABLED, CAMERA_NOT_TRIGGERED, REQUEST_INVALID, TRIGGER_DROPPED,
   * SHUTTING_DOWN
   */
  trigger(request: TriggerRequest): TriggerAnswer {
    this.#requireEnabled();
    const { policy } = this.#config;
    if (policy !== 'triggered' || isOwnTrigger(this.#config)) {
      const why =
        policy === 'triggered' ? 'its frames are its triggers' : `its policy is ${policy}`;
      throw new VedetteError('CAMERA_NOT_TRIGGERED', `Camera ${this.name} takes none: ${why}`);
    }
    const triggers = this.#camera?.triggers;
    if (triggers === undefined) throw this.#notOpened();
    return triggers.trigger(request);
  }

  get openTriggers(): number {
    return this.#camera?.triggers?.book.openCount ?? 0;
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
    this.#requireEnabled();
    const { kind } = this.#config.source;
    if (kind !== 'push') {
      throw new VedetteError(
        'REQUEST_INVALID',
        `Camera ${this.name} is of kind ${kind}; frames are pushed only to cameras of kind push`,
      );
    }
    const camera = this.#camera;
    const driver = camera?.source.driver;
    if (!camera?.isStarted || !(driver instanceof PushCamera)) throw this.#notOpened();
    return camera.pushed.push(driver, data, context, fileName);
  }

  /** Pictures that were pushed and have no answer yet. */
  get pushesUnderWay(): number {
    return this.#camera?.pushed.size ?? 0;
  }

  /**
   * Keeps the next picture that is judged.
   * @throws VedetteError CAMERA_DISABLED, STORAGE_FULL, REGISTRY_UNAVAILABLE, and the reason of `signal`
   */
  async snapshot(signal: AbortSignal): Promise<StoredCapture> {
    this.#requireEnabled();
    return this.#options.snapshots.next(this.name, signal);
  }

  /** Closes the source and opens it again. @throws VedetteError CAMERA_DISABLED, REQUEST_INVALID */
  restart(): void {
    this.#requireEnabled();
    // What was not opened yet is about to be.
    if (this.#camera?.isStarted) this.#camera.source.restart();
  }

  #requireEnabled(): void {
    if (this.#config.isEnabled) return;
    throw new VedetteError('CAMERA_DISABLED', `Camera ${this.name} is disabled`);
  }

  #notOpened(): VedetteError {
    const message = `Camera ${this.name} is being opened by a new configuration; send again in a moment`;
    return new VedetteError('SHUTTING_DOWN', message);
  }

  status(): CameraStatus {
    const { title = this.name, source, model, isEnabled } = this.#config;
    return {
      ...{ title, kind: source.kind, model },
      ...(this.#other === undefined ? {} : { framesOf: this.#other }),
      ...(this.#camera?.status() ?? {
        name: this.name,
        state: isEnabled ? 'starting' : 'disabled',
        stateSinceMs: this.#createdAtMs,
        restarts: 0,
        framesDelivered: 0,
        framesDropped: {},
        ...new CameraStatistics().snapshot(),
      }),
    };
  }

  /** Stops the source, lets the frame under way end, gives the memory back. */
  async close(): Promise<void> {
    this.#options.board.withdraw(this.name, this.#shared);
    await this.#camera?.close();
  }
}
