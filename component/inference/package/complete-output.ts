import type { ModelOutput } from '../../contract/model-manifest.ts';
import type { OnnxStructure } from './read-onnx.ts';

const SCORES_MADE_BY = new Set(['Softmax', 'Sigmoid', 'HardSigmoid']);

/** `output` of `model.json`, with what its author left to the ONNX file filled in. */
export function completeOutput(output: ModelOutput, structure: OnnxStructure): ModelOutput {
  if (output.decoder !== 'classification' || output.activation !== undefined) return output;
  const name = output.output ?? structure.outputs[0]?.name;
  const operator = name === undefined ? undefined : structure.outputOperators[name];
  const givesScores = operator !== undefined && SCORES_MADE_BY.has(operator);
  return { ...output, activation: givesScores ? 'none' : 'softmax' };
}
