import { CameraSupervisor, type CameraHealth } from '../camera/camera-supervisor.ts';
import { createDriver, resolvePolicy } from '../camera/create-driver.ts';
import { FrameSlots, type FrameSlotsOptions } from '../camera/frame-slots.ts';
import type { SourceBoard } from '../camera/source-board.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import { slotsOf } from '../contract/check-camera-source.ts';
import type { SecretReference } from '../contract/config-values.ts';
import type { VedetteError } from '../contract/errors.ts';
import type { CameraDriver } from '../contract/ports.ts';
import type { ClipStore } from '../delivery/clip-store.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import { EventRecorder } from './event-recorder.ts';
import type { PictureScaling } from './picture-scaling.ts';

export interface SupervisedSourceOptions extends Required<
  Pick<FrameSlotsOptions, 'onRefused' | 'onTrouble'>
> {
  readonly name: string;
  /** As it is opened for as long as it runs. */
  readonly camera: CameraConfig;
  /** `ffmpeg.path` of the configuration. */
  readonly ffmpegPath: string;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  readonly scaling: PictureScaling;
  readonly board: SourceBoard;
  readonly clips: ClipStore;
  readonly faults: FaultLog;
  /** The source gave the picture before once more. Must not throw. */
  readonly onUnchanged: () => void;
  /** After each change of state. Must not throw. */
  readonly onChange: () => void;
}

/** Where the frames of a camera come from: its driver, kept running, into slots, and its stream recorded. */
export class SupervisedSource {
  readonly driver: CameraDriver;
  readonly slots: FrameSlots;
  /** Absent when nothing of it is recorded. */
  readonly recorder: EventRecorder | undefined;
  readonly #options: SupervisedSourceOptions;
  readonly #supervisor: CameraSupervisor;

  /** Opens nothing. @throws VedetteError CONFIG_INVALID, IMAGE_TOO_LARGE (the system refused the memory) */
  constructor(options: SupervisedSourceOptions) {
    const { name, camera, clips, faults, scaling, board } = options;
    const { recording } = camera;
    this.#options = options;
    this.recorder = recording && new EventRecorder({ camera: name, recording, clips, faults });
    this.driver = createDriver({
      ...(this.recorder === undefined ? {} : { encoded: this.recorder.ring }),
      ...{ name, camera, board, ffmpegPath: options.ffmpegPath, readSecret: options.readSecret },
      scaledSize: (source) => scaling.sizeFor(source),
    });
    this.slots = new FrameSlots({
      slots: slotsOf(camera),
      slotBytes: camera.maxFrameBytes,
      policy: resolvePolicy(camera),
      onRefused: options.onRefused,
      onTrouble: options.onTrouble,
      onDrop: (reason, _count, error) => {
        if (reason === 'unchanged') options.onUnchanged();
        // A frame overwritten by a newer one is how `newest` works; `unreadable` is logged where it was seen.
        if (!error || reason === 'overwritten') return;
        faults.warn(
          `drop/${name}/${reason}`,
          { camera: name, reason, error },
          'a frame was dropped',
        );
      },
    });
    this.#supervisor = new CameraSupervisor({
      ...{ name, driver: this.driver, slots: this.slots },
      onChange: () => {
        board.tellChanged(name);
        options.onChange();
      },
    });
  }

  get status(): CameraHealth {
    return this.#supervisor.status;
  }

  /** Opens it, unless the camera stops before that is possible. */
  async start(signal: AbortSignal): Promise<void> {
    const { camera, scaling } = this.#options;
    const { source } = camera;
    // What its pictures are scaled to depends on the models.
    if (source.kind === 'ffmpeg' && source.scaling === 'model') await scaling.modelsKnown();
    if (!signal.aborted) this.#supervisor.start();
  }

  /** Closes it and opens it again. @throws VedetteError REQUEST_INVALID when it has ended for good */
  restart(why?: VedetteError): void {
    this.#supervisor.restart(why);
  }

  /** Stops it, ends what is being recorded, gives the memory back. */
  async close(): Promise<void> {
    await this.#supervisor.close();
    await this.recorder?.close();
    this.slots.close();
  }
}
