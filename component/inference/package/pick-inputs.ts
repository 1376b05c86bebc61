import { VedetteError } from '../../contract/errors.ts';
import type { ModelInput } from '../../contract/model-manifest.ts';
import type { TensorDeclaration } from '../../contract/tensor.ts';
import type { OnnxStructure } from './read-onnx.ts';

const SIZE_DTYPES = ['int64', 'int32', 'float32'] as const;

/** An input [batch, 2] that is told the width and height of the picture's tensor. */
export interface SizeInput {
  readonly name: string;
  readonly dtype: (typeof SIZE_DTYPES)[number];
}

/** As the deployed forms of RT-DETR and D-FINE call it. */
const SIZE_NAME = 'orig_target_sizes';

/**
 * Which input takes the picture, and which its size, where there is such one.
 * @throws VedetteError MODEL_MISMATCH naming the inputs that there are
 */
export function pickInputs(
  input: Pick<ModelInput, 'name' | 'sizeInput'>,
  { inputs }: Pick<OnnxStructure, 'inputs'>,
): { readonly picture: TensorDeclaration; readonly sizeInput?: SizeInput | undefined } {
  const names = inputs.map((declaration) => `'${declaration.name}'`).join(', ') || 'none';
  for (const field of ['name', 'sizeInput'] as const) {
    const wanted = input[field];
    if (wanted !== undefined && !inputs.some((declaration) => declaration.name === wanted)) {
      throw mismatch([`input.${field} is '${wanted}', the graph has the inputs ${names}`]);
    }
  }
  const size = inputs.find(({ name }) => name === (input.sizeInput ?? SIZE_NAME));
  const [picture, ...others] = inputs.filter((one) => one !== size);
  if (!picture || others.length > 0) {
    throw mismatch([
      `the graph has ${inputs.length} inputs (${names}), expected one picture, and at most its size beside it (input.sizeInput)`,
    ]);
  }
  if (input.name !== undefined && input.name !== picture.name) {
    throw mismatch([`input.name is '${input.name}', which takes the size and no picture`]);
  }
  return { picture, sizeInput: size && sizeInputOf(size) };
}

function sizeInputOf({ name, dtype, shape }: TensorDeclaration): SizeInput {
  const known = SIZE_DTYPES.find((one) => one === dtype);
  const isPair = shape.length === 2 && (typeof shape[1] !== 'number' || shape[1] === 2);
  const isSingle = typeof shape[0] !== 'number' || shape[0] === 1;
  if (known && isPair && isSingle) return { name, dtype: known };
  throw mismatch([
    `graph input '${name}' ${dtype} [${shape.join(', ')}]: expected ${SIZE_DTYPES.join(', ')} [batch, 2] for a size`,
  ]);
}

export function mismatch(problems: readonly string[]): VedetteError {
  return new VedetteError('MODEL_MISMATCH', problems.join('; '), { details: { problems } });
}
