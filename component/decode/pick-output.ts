import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorDtype, TensorValue } from '../contract/tensor.ts';
import { describeOutputs } from './output-values.ts';

type Dimensions = TensorDeclaration['shape'];

/** What a decoder wants of the one output that it reads. */
export interface WantedOutput {
  readonly decoder: ModelOutput['decoder'];
  /** Named in the manifest; the graph's only output when absent. */
  readonly name: string | undefined;
  /** In words, such as `[N, 6] or [1, N, 6]`. */
  readonly expected: string;
  /** Whether a declared shape, with dimensions that may be open, can be the expected one. */
  readonly canBe: (shape: Dimensions) => boolean;
  /** Which element types; floats when absent. */
  readonly isType?: (dtype: TensorDtype) => boolean;
}

/**
 * The graph output that a decoder reads.
 * @throws VedetteError MODEL_MISMATCH naming the outputs that there are
 */
export function pickOutput(
  wanted: WantedOutput,
  declarations: readonly TensorDeclaration[],
): TensorDeclaration {
  const { decoder, name, expected } = wanted;
  if (name === undefined && declarations.length > 1) {
    throw outputMismatch(decoder, 'several outputs, name one in output.output', declarations);
  }
  const output =
    name === undefined ? declarations[0] : declarations.find((one) => one.name === name);
  if (!output) throw outputMismatch(decoder, `there is no output '${name ?? ''}'`, declarations);
  // An exporter that lost the shape declares none: the probe's first run then shows it.
  const isFitting = output.shape.length === 0 || wanted.canBe(output.shape);
  const isType = wanted.isType ?? isFloat;
  if (!isFitting || !isType(output.dtype)) {
    const what = wanted.isType ? expected : `float ${expected}`;
    throw outputMismatch(decoder, `expected ${what}`, declarations);
  }
  return output;
}

const isFloat = (dtype: TensorDtype): boolean => dtype.startsWith('float');

export function outputMismatch(
  decoder: ModelOutput['decoder'],
  problem: string,
  declarations: readonly TensorDeclaration[],
): VedetteError {
  return new VedetteError(
    'MODEL_MISMATCH',
    `output.decoder '${decoder}': ${problem}; the graph has ${describeOutputs(declarations)}`,
    { details: { outputs: declarations } },
  );
}

/** OUTPUT_INVALID for a tensor of another shape than expected. */
export function shapeInvalid(tensor: TensorValue, expected: string): VedetteError {
  return new VedetteError(
    'OUTPUT_INVALID',
    `output '${tensor.name}' has the shape [${tensor.shape.join(', ')}], expected ${expected}`,
    { details: { output: tensor.name, shape: tensor.shape } },
  );
}

/** Whether a dimension that may be open can have this size. */
export const mayBe = (dimension: Dimensions[number] | undefined, size: number): boolean =>
  typeof dimension !== 'number' || dimension === size;
