import type { InferenceAnswer, InferenceRequest } from '../../contract/ports.ts';
import type { TilingConfig } from '../../contract/tiling-config.ts';
import type { ModelHost } from '../model-host.ts';
import { inferTiled } from '../tiling/infer-tiled.ts';
import { ModelChain } from './model-chain.ts';

/** What judges the pictures of a camera: a model, or a chain of them. */
export type CameraModel = ModelHost | ModelChain;

/**
 * One picture to a model or a chain; `tiling` is that of the camera, else of the model.
 * @throws VedetteError as `inferTiled`, and as `ModelChain.infer`
 */
export function inferPicture(
  model: CameraModel,
  request: InferenceRequest,
  tiling: TilingConfig | undefined,
): Promise<InferenceAnswer> {
  if (model instanceof ModelChain) return model.infer(request, tiling);
  return inferTiled(model, request, tiling);
}
