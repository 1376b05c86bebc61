import type { TensorDeclaration } from '../../contract/tensor.ts';
import type { OnnxStructure } from './read-onnx.ts';

/** Shape of the graph's output, when there is only one and it holds floats. */
export function onlyFloatShape({ outputs }: OnnxStructure): TensorDeclaration['shape'] | undefined {
  const [only] = outputs;
  return outputs.length === 1 && only?.dtype.startsWith('float') ? only.shape : undefined;
}
