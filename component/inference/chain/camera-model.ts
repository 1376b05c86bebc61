import type { InferenceAnswer, InferenceRequest } from '../../contract/ports.ts';
import type { TilingConfig } from '../../contract/tiling-config.ts';
import type { ModelIdentity } from '../../contract/result.ts';
import type { ModelGeneration } from '../model-generation.ts';
import type { ModelHost } from '../model-host.ts';
import { inferTiled } from '../tiling/infer-tiled.ts';
import type { TiledModel } from '../tiling/infer-tiled.ts';
import { ModelChain } from './model-chain.ts';

/** What judges the pictures of a camera: a model, or a chain of them. */
export type CameraModel = ModelHost | ModelChain;

/** What answers for it now: one version of the model, or the chain. */
export type ServingModel = ModelGeneration | ModelChain;

/** To be asked for each frame. The models of a chain answer with the version of everybody. */
export const servingFor = (model: CameraModel, camera: string): ServingModel =>
  model instanceof ModelChain ? model : model.servingFor(camera);

export const identityOf = (serving: ServingModel): ModelIdentity | undefined =>
  serving instanceof ModelChain ? serving.status().identity : serving.identity;

/** Below it a detection or class is left out where the camera says nothing of it. */
export function scoreThresholdOf(model: CameraModel | ServingModel): number {
  const ofChain = model instanceof ModelChain ? model.scoreThreshold : undefined;
  const output = model.package?.manifest.output;
  return ofChain ?? (output && 'scoreThreshold' in output ? output.scoreThreshold : 0);
}

/**
 * One picture to a model or a chain; `tiling` is that of the camera, else of the model.
 * @throws VedetteError as `inferTiled`, and as `ModelChain.infer`
 */
export function inferPicture(
  model: TiledModel | ModelChain,
  request: InferenceRequest,
  tiling: TilingConfig | undefined,
): Promise<InferenceAnswer> {
  if (model instanceof ModelChain) return model.infer(request, tiling);
  return inferTiled(model, request, tiling);
}
