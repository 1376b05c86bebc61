import { createDriver, resolvePolicy } from '../camera/create-driver.ts';
import { CameraSupervisor } from '../camera/camera-supervisor.ts';
import { FrameSlots } from '../camera/frame-slots.ts';
import { PushCamera } from '../camera/push-camera.ts';
import type { CameraConfig, RuntimeConfig, SecretReference } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameView } from '../contract/frame.ts';
import type { CameraDriver, CameraStatus } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { ModelHost } from '../inference/model-host.ts';
import { CameraStatistics } from './camera-statistics.ts';
import type { NamedRule } from './judge.ts';
import { createKeepResult, type JudgedFrame, type KeepDependencies } from './keep-result.ts';
import { runCamera } from './run-camera.ts';

type Shared = Pick<
  KeepDependencies,
  'registry' | 'captureRules' | 'captureStore' | 'pictures' | 'liveView' | 'metrics' | 'faults'
>;

export interface CameraStationOptions extends Shared {
  readonly name: string;
  readonly config: RuntimeConfig;
  readonly model: ModelHost;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** After each change of state. Must not throw. */
  readonly onChange: (status: CameraStatus) => void;
  /** After each stored result. Must not throw. */
  readonly onResult: (result: InferenceResult) => void;
}

interface PushedWait {
  readonly context: Readonly<Record<string, unknown>> | undefined;
  readonly resolve: (result: InferenceResult) => void;
  readonly reject: (error: VedetteError) => void;
}

/** One configured camera: its source, slots, statistics and the loop that judges its frames. */
export class CameraStation {
  readonly name: string;
  readonly #options: CameraStationOptions;
  readonly #camera: CameraConfig;
  readonly #statistics = new CameraStatistics();
  readonly #stop = new AbortController();
  readonly #pushed = new Map<number, PushedWait>();
  readonly #createdAtMs = Date.now();
  #slots: FrameSlots | undefined;
  #supervisor: CameraSupervisor | undefined;
  #driver: CameraDriver | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: CameraStationOptions) {
    const camera = options.config.cameras[options.name];
    if (!camera) throw new VedetteError('CAMERA_NOT_FOUND', `No camera is named ${options.name}`);
    this.name = options.name;
    this.#options = options;
    this.#camera = camera;
  }

  start(): void {
    const { name, config, faults, liveView, model } = this.#options;
    const rules = rulesOf(config, name);
    liveView.addCamera(name, zonesOf(rules));
    if (!this.#camera.isEnabled) return;

    const view = viewOf(this.#camera);
    const driver = createDriver({
      name,
      camera: this.#camera,
      ffmpegPath: config.ffmpeg.path,
      readSecret: this.#options.readSecret,
    });
    const slots = new FrameSlots({
      slots: this.#camera.slots,
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
    this.#loop = runCamera(
      {
        name,
        thing: config.thing,
        slots,
        driver,
        model,
        view,
        thresholds: this.#camera.thresholds,
        rules,
        hasViewers: () => liveView.hasViewers(name),
        contextOf: (frame) => this.#pushed.get(frame.sequence)?.context,
        keep: createKeepResult({
          ...this.#options,
          camera: name,
          view,
          slots,
          driver,
          statistics: this.#statistics,
          onKept: (judged, kept) => this.#onKept(judged, kept),
        }),
        faults,
      },
      this.#stop.signal,
    );
    supervisor.start();
  }

  /**
   * Hands a picture to a camera of kind `push`; resolves with its stored result.
   * @throws VedetteError REQUEST_INVALID, CAMERA_DISABLED, MODEL_NOT_READY, IMAGE_…, OVERLOADED,
   * SHUTTING_DOWN, STORAGE_FULL, and what `ModelHost.infer` throws
   */
  async push(
    data: Uint8Array,
    context: Readonly<Record<string, unknown>> | undefined,
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
    const { name, state, reason } = this.#options.model.status();
    if (state === 'failed') {
      // Frames of other sources wait for the model to be mended; who pushes waits for an answer.
      throw new VedetteError(
        'MODEL_NOT_READY',
        `model '${name}' of camera ${this.name} failed: ${reason?.message ?? 'no reason is known'}`,
        { details: { model: name, ...(reason ? { reason: reason.code } : {}) } },
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<InferenceResult>();
    promise.catch(() => {});
    let sequence: number | undefined;
    try {
      await driver.push(data, {
        onSequence: (number) => {
          sequence = number;
          this.#pushed.set(number, { context, resolve, reject });
        },
      });
      return await promise;
    } finally {
      if (sequence !== undefined) this.#pushed.delete(sequence);
    }
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
      ...this.#statistics.snapshot(),
    };
  }

  /** Stops the source, lets the frame under way end, gives the memory back. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#supervisor?.close();
    this.#slots?.close();
    await this.#loop;
    const stopped = new VedetteError('SHUTTING_DOWN', `Camera ${this.name} was stopped`);
    for (const waiting of this.#pushed.values()) waiting.reject(stopped);
  }

  /** Who pushed a picture that got no answer is told why, as with a picture sent to a model. */
  #onKept({ frame, error }: JudgedFrame, kept: InferenceResult | VedetteError): void {
    const waiting = this.#pushed.get(frame.sequence);
    if (kept instanceof VedetteError) {
      waiting?.reject(kept);
      return;
    }
    if (error) waiting?.reject(error);
    else waiting?.resolve(kept);
    this.#options.onResult(kept);
  }
}

const viewOf = (camera: CameraConfig): FrameView => ({
  rotation: camera.rotation,
  flip: camera.flip,
  ...(camera.region ? { region: camera.region } : {}),
});

const rulesOf = (config: RuntimeConfig, camera: string): NamedRule[] =>
  Object.entries(config.rules)
    .filter(([, rule]) => rule.camera === camera)
    .map(([name, rule]) => ({ ...rule, name }));

const zonesOf = (rules: readonly NamedRule[]) =>
  rules.flatMap((rule) =>
    rule.kind === 'count' && rule.zone && rule.isEnabled ? [rule.zone] : [],
  );
