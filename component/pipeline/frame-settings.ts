import type { RuntimeConfig } from '../contract/config.ts';
import type { FrameView } from '../contract/frame.ts';
import type { CaptureRules } from '../delivery/capture-rules.ts';
import type { CameraModel } from '../inference/chain/camera-model.ts';
import { JudgingSets } from './judging-sets.ts';
import { ofCamera } from './space/camera-scene.ts';

/**
 * Everything that the configuration says of how a camera's frames are judged and kept. A frame keeps
 * those that were in force when it was taken, whatever is changed meanwhile.
 */
export interface FrameSettings {
  readonly config: RuntimeConfig;
  /** By what its pictures are judged. */
  readonly sets: JudgingSets;
  /** The camera's zones by name. */
  readonly zones: RuntimeConfig['zones'];
  /** The whole upright picture, as it is drawn and kept. */
  readonly view: FrameView;
  readonly captureRules: CaptureRules;
}

export interface FrameSettingsSources {
  readonly config: RuntimeConfig;
  readonly captureRules: CaptureRules;
  /** @throws VedetteError MODEL_NOT_FOUND */
  readonly modelOf: (name: string) => CameraModel;
}

/** @throws VedetteError MODEL_NOT_FOUND */
export function frameSettings(camera: string, sources: FrameSettingsSources): FrameSettings {
  const { config, captureRules, modelOf } = sources;
  const sets = new JudgingSets(camera, config, modelOf);
  return {
    config,
    sets,
    zones: ofCamera(config.zones, camera),
    view: sets.own.view,
    captureRules,
  };
}
