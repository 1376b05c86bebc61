import type { ModelOutput } from '../../contract/model-manifest.ts';
import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';

const SCORES_MADE_BY = new Set(['Softmax', 'Sigmoid', 'HardSigmoid']);

/** `output` of `model.json`, with what its author left to the ONNX file filled in. */
export function completeOutput(
  output: ModelOutput,
  structure: OnnxStructure,
  metadata: ModelMetadata,
): ModelOutput {
  switch (output.decoder) {
    case 'classification':
      return { ...output, activation: output.activation ?? activationOf(output.output, structure) };
    case 'anomaly': {
      const { normalisation } = metadata;
      // anomalib 2 normalises in the graph, whatever else the file says.
      const isRaw = !structure.outputs.some(({ name }) => name === 'pred_score');
      return normalisation && isRaw ? { normalisation, ...output } : output;
    }
    case 'yolo-poses':
    case 'end-to-end-poses': {
      const { keypointNames, keypointDimensions } = metadata;
      return {
        ...(keypointNames ? { keypointNames: [...keypointNames] } : {}),
        ...(keypointDimensions ? { keypointDimensions } : {}),
        ...output,
      };
    }
    default:
      return output;
  }
}

/** A second softmax over scores would flatten them without any sign. */
export function activationOf(
  name: string | undefined,
  structure: OnnxStructure,
): 'none' | 'softmax' {
  const operator = structure.outputOperators[name ?? structure.outputs[0]?.name ?? ''];
  return operator !== undefined && SCORES_MADE_BY.has(operator) ? 'none' : 'softmax';
}
