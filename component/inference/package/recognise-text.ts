import type { ModelMetadata } from './model-metadata.ts';
import { onlyFloatShape } from './only-float-shape.ts';
import type { OnnxStructure } from './read-onnx.ts';
import type { RecognisedFamily } from './recognised-family.ts';

/** Fewer classes than a blank, digits and a letter are no alphabet. */
const LEAST_CHARACTERS = 12;

/**
 * PaddleOCR's three graphs as paddle2onnx writes them: one picture `x` of open size in, and out of a
 * Sigmoid or Softmax one map of text, scores of characters along the line, or of two directions.
 */
export function textReading(
  structure: OnnxStructure,
  _metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const [input] = structure.inputs;
  const [output] = structure.outputs;
  const shape = onlyFloatShape(structure);
  if (!input || !output || !shape || input.name !== 'x' || input.shape.length !== 4) {
    return undefined;
  }
  const operator = structure.outputOperators[output.name];
  const [, channels, height, width] = input.shape;
  const [isHighOpen, isWideOpen] = [typeof height !== 'number', typeof width !== 'number'];
  if (channels !== 3 || !isWideOpen) return undefined;
  const line = { colourOrder: 'bgr', resize: 'line', mean: [0.5], std: [0.5], padValue: 127.5 };
  if (operator === 'Sigmoid' && shape.length === 4 && isHighOpen) {
    return {
      task: 'text-detection',
      input: {
        width: 960,
        height: 960,
        sizeMultiple: 32,
        colourOrder: 'bgr',
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
      output: { decoder: 'text-detection' },
      guesses: [],
    };
  }
  if (operator !== 'Softmax') return undefined;
  if (shape.length === 3 && typeof shape[2] === 'number' && shape[2] >= LEAST_CHARACTERS) {
    return {
      task: 'text-recognition',
      input: {
        ...line,
        width: 1920,
        ...(isHighOpen ? { height: 48 } : {}),
        sizeMultiple: 32,
      } as RecognisedFamily['input'],
      output: { decoder: 'text-recognition' },
      guesses: [],
    };
  }
  if (shape.length === 2 && shape[1] === 2) {
    return {
      task: 'text-direction',
      input: {
        ...line,
        width: 192,
        ...(isHighOpen ? { height: 48 } : {}),
      } as RecognisedFamily['input'],
      output: { decoder: 'text-direction' },
      guesses: [],
    };
  }
  return undefined;
}
