import type { ModelManifestInput } from '../../contract/model-manifest.ts';
import type { DdaManifest } from './dda-schema.ts';

const INTERPOLATIONS = { 0: 'nearest', 1: 'bilinear', 3: 'area' } as const;

/** Of ImageNet, as `normalize` has it. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/**
 * How DDA's LocalServer makes the input: stretched to the stage's size (letterboxed with grey 114 when
 * it keeps the aspect), INTER_AREA unless another is named, then `/ 255` and ImageNet's mean and
 * deviation when the stage says so.
 */
export function ddaInput(dda: DdaManifest, problems: string[]): ModelManifestInput['input'] {
  const [stage] = dda.model_graph.stages;
  const resize = dda.preprocessing?.resize;
  const square = dda.detection?.network_input;
  const width = firstSize([
    stage.image_width,
    dda.dataset?.image_width,
    stage.input_shape?.[3],
    dda.input_shape?.[3],
    resize?.[0],
    square,
  ]);
  const height = firstSize([
    stage.image_height,
    dda.dataset?.image_height,
    stage.input_shape?.[2],
    dda.input_shape?.[2],
    resize?.[1],
    square,
  ]);
  const isLetterboxed =
    stage.preserve_aspect ?? dda.preprocessing?.preserve_aspect ?? dda.detection?.preserve_aspect;
  const order = dda.preprocessing?.channel_order ?? 'RGB';
  if (stage.normalize && order === 'BGR') {
    problems.push(
      "preprocessing.channel_order 'BGR' with normalize: ImageNet's values are for RGB",
    );
  }
  return {
    ...(width !== undefined ? { width } : {}),
    ...(height !== undefined ? { height } : {}),
    colourOrder: order === 'BGR' ? 'bgr' : 'rgb',
    resize: isLetterboxed === true ? 'letterbox' : 'stretch',
    interpolation: INTERPOLATIONS[stage.interpolation ?? 3],
    scale: stage.image_range_scale ? 1 / 255 : 1,
    mean: stage.normalize ? MEAN : [0, 0, 0],
    std: stage.normalize ? STD : [1, 1, 1],
    padValue: 114,
  };
}

/** An `input_shape` of -1 leaves the size open: another key may say it. */
const firstSize = (sizes: readonly (number | undefined)[]): number | undefined =>
  sizes.find((size) => size !== undefined && size > 0);
