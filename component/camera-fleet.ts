import { SourceBoard } from './camera/source-board.ts';
import { configurationChanges } from './configuration/configuration-changes.ts';
import { redactSetting } from './configuration/redact-setting.ts';
import type { RuntimeConfig } from './contract/config.ts';
import { VedetteError } from './contract/errors.ts';
import type { CameraStatus } from './contract/ports.ts';
import { CaptureRules } from './delivery/capture-rules.ts';
import type { CameraModel } from './inference/chain/camera-model.ts';
import type { Logger } from './logging/create-logger.ts';
import { CameraStation, type CameraStationOptions } from './pipeline/camera-station.ts';
import { frameSettings, type FrameSettings } from './pipeline/frame-settings.ts';
import { TriggerMemory } from './pipeline/transactions/trigger-memory.ts';

type OfStation = 'name' | 'settings' | 'onChange' | 'triggerMemory' | 'board' | 'stations';
type Shared = Omit<CameraStationOptions, OfStation>;

export interface CameraFleetOptions extends Shared {
  readonly config: RuntimeConfig;
  readonly logger: Logger;
  /** @throws VedetteError MODEL_NOT_FOUND */
  readonly modelOf: (name: string) => CameraModel;
  readonly onChange: (status: CameraStatus) => void;
  /** The ids of triggers that came to the process before, by camera. */
  readonly triggerMemories: Map<string, TriggerMemory>;
}

/** Cameras by another configuration, which everything that may fail was done for. */
export interface PreparedCameras {
  /** Cameras that stay judge their next frame by it; triggers of the others open already. Cannot fail. */
  assign(): void;
  /** After `assign`: sources that changed are opened anew, those that are no longer there are closed. */
  finish(): Promise<void>;
}

/** Every configured camera: started, changed and closed together. */
export class CameraFleet {
  readonly #options: CameraFleetOptions;
  #config: RuntimeConfig;
  #captureRules: CaptureRules;
  #stations: ReadonlyMap<string, CameraStation>;
  readonly #board = new SourceBoard();
  #isClosed = false;

  constructor(options: CameraFleetOptions) {
    const { config, modelOf } = options;
    this.#options = options;
    this.#config = config;
    this.#captureRules = new CaptureRules(config.captures);
    const captureRules = this.#captureRules;
    this.#stations = new Map(
      Object.keys(config.cameras).map((name) => [
        name,
        this.#create(name, frameSettings(name, { config, captureRules, modelOf })),
      ]),
    );
  }

  start(): void {
    for (const station of this.#stations.values()) this.#begin(station);
  }

  statuses(): readonly CameraStatus[] {
    return [...this.#stations.values()].map((station) => station.status());
  }

  /** Pictures that somebody waits for at this moment. */
  busyReasons(): readonly string[] {
    return [...this.#stations.values()].flatMap(({ name, pushesUnderWay, openTriggers }) => [
      ...(pushesUnderWay === 0 ? [] : [`a pushed picture is being judged at camera ${name}`]),
      ...(openTriggers === 0 ? [] : [`a trigger of camera ${name} is open`]),
    ]);
  }

  /** @throws VedetteError CAMERA_NOT_FOUND */
  station(name: string): CameraStation {
    const station = this.#stations.get(name);
    if (station) return station;
    const names = [...this.#stations.keys()].slice(0, 20).join(', ');
    const known = names === '' ? 'none is configured' : `configured are ${names}`;
    throw new VedetteError('CAMERA_NOT_FOUND', `No camera is named ${name}; ${known}`);
  }

  /**
   * @param modelOf models of the new configuration
   * @throws VedetteError MODEL_NOT_FOUND
   */
  prepare(next: RuntimeConfig, modelOf: CameraFleetOptions['modelOf']): PreparedCameras {
    const captureRules = this.#captureRules.replacedBy(next.captures);
    const before = this.#stations;
    const anew = this.#openedAnew(next);
    const stations = new Map<string, CameraStation>();
    const kept: (() => void)[] = [];
    for (const name of Object.keys(next.cameras)) {
      const settings = frameSettings(name, { config: next, captureRules, modelOf });
      const station = anew.has(name) ? undefined : before.get(name);
      if (station) kept.push(() => station.use(settings));
      stations.set(name, station ?? this.#create(name, settings));
    }
    return {
      assign: () => {
        this.#config = next;
        this.#captureRules = captureRules;
        this.#stations = stations;
        for (const use of kept) use();
        for (const station of stations.values()) {
          if (before.get(station.name) !== station) station.admit();
        }
      },
      finish: async () => {
        const names = new Set([...before.keys(), ...stations.keys()]);
        await Promise.all(
          [...names].map((name) => this.#swap(before.get(name), stations.get(name))),
        );
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#stations.values()].map((station) => station.close()));
  }

  /**
   * One after the other: a device such as /dev/video0 is opened once only. One that could not be closed
   * well is no reason to leave its camera closed.
   */
  async #swap(before: CameraStation | undefined, after: CameraStation | undefined): Promise<void> {
    if (before === after) return;
    try {
      await before?.close();
    } finally {
      if (before && !after) this.#options.liveView.removeCamera(before.name);
      if (after && !this.#isClosed) this.#begin(after);
    }
  }

  #openedAnew(next: RuntimeConfig): ReadonlySet<string> {
    const changes = configurationChanges(this.#config, next).filter(
      ({ restart }) => restart === 'camera',
    );
    const isFfmpegOther = changes.some(({ keys }) => keys[0] === 'ffmpeg');
    const names = changes.flatMap(({ keys }) => (keys[0] === 'cameras' ? [keys[1]!] : []));
    const ofFfmpeg = Object.entries(next.cameras).flatMap(([name, { source }]) =>
      isFfmpegOther && source.kind === 'ffmpeg' ? [name] : [],
    );
    const anew = new Set([...names, ...ofFfmpeg]);
    const sharing = Object.entries(next.cameras).flatMap(([name, { source }]) =>
      source.kind === 'camera' && anew.has(source.camera) ? [name] : [],
    );
    return new Set([...anew, ...sharing]);
  }

  #create(name: string, settings: FrameSettings): CameraStation {
    return new CameraStation({
      ...this.#options,
      name,
      settings,
      triggerMemory: this.#memoryOf(name),
      board: this.#board,
      stations: () => [...this.#stations.values()],
      onChange: (status) => this.#onChange(status),
    });
  }

  #memoryOf(name: string): TriggerMemory {
    const { triggerMemories } = this.#options;
    const memory = triggerMemories.get(name) ?? new TriggerMemory();
    triggerMemories.set(name, memory);
    return memory;
  }

  #begin(station: CameraStation): void {
    const { name } = station;
    station.start();
    void this.#record(name);
  }

  #onChange(camera: CameraStatus): void {
    const { name, state, reason } = camera;
    const isWell = state === 'running' || state === 'ended';
    const fields = { camera: name, state, reason };
    this.#options.logger[isWell ? 'info' : 'warn'](fields, `camera ${name} is ${state}`);
    this.#options.onChange(camera);
  }

  /** What the registry knows of cameras is for reading back; a failure is no reason to stop. */
  async #record(name: string): Promise<void> {
    const { registry, logger } = this.#options;
    const text = JSON.stringify(redactSetting(this.#config.cameras[name], `cameras.${name}`));
    try {
      await registry.upsertCamera(name, text);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      logger.warn({ error }, `camera ${name} could not be recorded`);
    }
  }
}
