import type { RuntimeConfig } from '../../contract/config.ts';
import type { FrameReference, InferenceAnswer, ScoreThresholds } from '../../contract/ports.ts';
import type { Detection, Tracking } from '../../contract/result.ts';
import { thresholdOf } from '../../decode/score-threshold.ts';
import { scoreThresholdOf } from '../../inference/chain/camera-model.ts';
import type { FaultLog } from '../../logging/fault-log.ts';
import type { JudgingSet } from '../judging-sets.ts';
import { MAX_FOLLOWED, MAX_TRACKS } from '../tracking/byte-tracker.ts';
import type { CounterLedger } from './counter-ledger.ts';
import { Scene, type SeenScene, type Watched } from './scene.ts';

export interface CameraSceneOptions {
  readonly camera: string;
  readonly config: RuntimeConfig;
  /** Loaded already. */
  readonly ledger: CounterLedger;
  readonly faults: FaultLog;
  /** How often the source was opened again: its objects are others then. */
  readonly restarts: () => number;
}

type Judging = Pick<JudgingSet, 'model' | 'thresholds'>;

/** Rules whose evidence is followed objects. */
const SPACE_RULES: readonly string[] = ['occupancy', 'dwell', 'crossing'];
/** Tasks whose results are detections, which are what is followed. */
const TRACKABLE_TASKS: readonly (string | undefined)[] = [
  'object-detection',
  'instance-segmentation',
];

/** Whether a camera's configuration asks for followed objects. */
export function isTracking(config: RuntimeConfig, camera: string): boolean {
  const { isEnabled } = config.cameras[camera]!.tracking;
  if (isEnabled !== undefined) return isEnabled;
  const hasLine = Object.values(config.lines).some((line) => line.camera === camera);
  return (
    hasLine ||
    Object.values(config.rules).some(
      (rule) => rule.camera === camera && rule.isEnabled && SPACE_RULES.includes(rule.kind),
    )
  );
}

/** The part of a map that belongs to a camera. */
export const ofCamera = <T extends { readonly camera: string }>(
  map: Readonly<Record<string, T>>,
  camera: string,
): Record<string, T> =>
  Object.fromEntries(Object.entries(map).filter(([, entry]) => entry.camera === camera));

/** The scene of a configured camera: joins its model's answers to it. */
export class CameraScene {
  readonly #options: CameraSceneOptions;
  #config: RuntimeConfig;
  #scene: Scene;

  constructor(options: CameraSceneOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#scene = this.#create();
  }

  /**
   * Goes by another configuration from the next frame on. Objects are followed as before, unless how
   * they are followed is what changed.
   */
  use(config: RuntimeConfig): void {
    if (config === this.#config) return;
    const { camera } = this.#options;
    const before = trackingOf(this.#config, camera);
    this.#config = config;
    if (trackingOf(config, camera) === before) this.#scene.watch(watchedBy(config, camera));
    else this.#scene = this.#create();
  }

  /** Thresholds to ask the model with: low enough for what only continues a track. */
  thresholdsFor({ model, thresholds }: Judging): ScoreThresholds {
    if (!TRACKABLE_TASKS.includes(model.package?.manifest.task)) return thresholds;
    const { score, labels } = thresholds;
    const sure = [score ?? scoreThresholdOf(model), ...Object.values(labels)];
    return { score: Math.min(this.#scene.minScore, ...sure), labels: {} };
  }

  /** `undefined` when the model gives no detections. */
  see(
    answer: InferenceAnswer,
    frame: FrameReference,
    { model, thresholds }: Judging,
  ): SeenScene | undefined {
    const { detections } = answer.findings;
    if (!detections) return undefined;
    const ofModel = scoreThresholdOf(model);
    const isSure = ({ label, score }: Detection) =>
      score >= thresholdOf(label, { thresholds }, ofModel);
    const seen = this.#scene.see({
      detections,
      isSure,
      capturedAtMs: frame.capturedAtMs,
      origin: `${this.#options.restarts()}/${answer.model.sha256}`,
    });
    const { leftOut } = seen.tracking;
    if (leftOut !== undefined) {
      const { camera, faults } = this.#options;
      faults.warn(
        `tracking/${camera}/left-out`,
        { camera, leftOut, maxFollowed: MAX_FOLLOWED, maxTracks: MAX_TRACKS },
        'more objects than can be followed',
      );
    }
    return seen;
  }

  state(): Pick<Tracking, 'zones' | 'lines'> {
    return this.#scene.state();
  }

  #create(): Scene {
    const { camera, ledger } = this.#options;
    return new Scene({
      settings: this.#config.cameras[camera]!.tracking,
      ...watchedBy(this.#config, camera),
      counters: ledger,
    });
  }
}

const trackingOf = ({ cameras }: RuntimeConfig, camera: string): string =>
  JSON.stringify(cameras[camera]!.tracking);

function watchedBy({ zones, lines, rules }: RuntimeConfig, camera: string): Watched {
  const windows = Object.values(rules).map((rule) =>
    rule.kind === 'crossing' && rule.camera === camera ? (rule.withinMs ?? 0) : 0,
  );
  return {
    zones: ofCamera(zones, camera),
    lines: ofCamera(lines, camera),
    rememberMs: Math.max(0, ...windows),
  };
}
