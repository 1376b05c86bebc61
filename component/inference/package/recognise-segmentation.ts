import type { TensorDeclaration } from '../../contract/tensor.ts';
import { classMapOf, isIndexType } from '../../decode/class-map-layout.ts';
import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';
import type { RecognisedFamily } from './recognised-family.ts';

/**
 * A map over the whole input: its only output has the input's width and height, and either class
 * indices or at least two scores for each pixel.
 */
export function semanticSegmentation(
  { inputs, outputs }: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const [output] = outputs;
  if (outputs.length !== 1 || !output || metadata.task !== undefined) return undefined;
  const size = sizeOf(inputs[0]?.shape ?? []);
  const map = classMapOf(output, undefined, metadata.labels?.length ?? 0);
  if (!size || typeof map !== 'object') return undefined;
  const isWhole = map.width === size.width && map.height === size.height;
  const isType = output.dtype.startsWith('float') || isIndexType(output.dtype);
  // With the channels of a picture it may be one: of an autoencoder, or a filter.
  const isPicture = !metadata.labels && output.dtype.startsWith('float') && map.classCount === 3;
  if (!isWhole || !isType || isPicture) return undefined;
  return {
    task: 'semantic-segmentation',
    output: { decoder: 'semantic-segmentation' },
    guesses: [
      'output.background is absent: give the index of a class that is not to be reported, such as 0 where it is all the rest',
    ],
  };
}

/** Width and height of a picture [batch, C, H, W] or [batch, H, W, C], where the graph says both. */
function sizeOf(shape: TensorDeclaration['shape']) {
  const isLast = shape[3] === 3 || (shape[3] === 1 && shape[1] !== 3);
  const [height, width] = isLast ? [shape[1], shape[2]] : [shape[2], shape[3]];
  const areKnown = typeof width === 'number' && typeof height === 'number';
  return shape.length === 4 && areKnown ? { width, height } : undefined;
}
