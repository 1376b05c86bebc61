import type { CameraStatus } from '../../contract/ports.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { Registry } from '../../registry/registry.ts';
import type { FrameSettings } from '../frame-settings.ts';
import { CameraScene, isTracking } from './camera-scene.ts';
import { CounterLedger } from './counter-ledger.ts';

export interface CurrentSceneOptions {
  readonly camera: string;
  readonly registry: Registry;
  readonly faults: FaultLog;
  /** How often the source was opened again: its objects are others then. */
  readonly restarts: () => number;
}

/** The scene of a camera as long as its settings ask for one, and its counts beyond that. */
export class CurrentScene {
  readonly #options: CurrentSceneOptions;
  #scene: CameraScene | undefined;
  #ledger: CounterLedger | undefined;

  constructor(options: CurrentSceneOptions) {
    this.#options = options;
  }

  /** Counts go on where they stood before the first frame is judged by them. */
  async for({ config }: FrameSettings): Promise<CameraScene | undefined> {
    const { camera, faults, restarts } = this.#options;
    if (!isTracking(config, camera)) return (this.#scene = undefined);
    if (this.#scene === undefined) {
      this.#ledger ??= await this.#loadedLedger();
      this.#scene = new CameraScene({ camera, config, ledger: this.#ledger, faults, restarts });
    }
    this.#scene.use(config);
    return this.#scene;
  }

  status(): Pick<CameraStatus, 'space'> {
    return this.#scene ? { space: this.#scene.state() } : {};
  }

  async close(): Promise<void> {
    await this.#ledger?.close();
  }

  async #loadedLedger(): Promise<CounterLedger> {
    const { camera, registry, faults } = this.#options;
    const ledger = new CounterLedger(camera, registry, faults);
    await ledger.load();
    return ledger;
  }
}
