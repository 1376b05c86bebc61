import { VedetteError } from '../../contract/errors.ts';
import type { TensorDeclaration } from '../../contract/tensor.ts';

/** More pictures in a run would take more memory than a device should give to one input. */
export const MAX_BATCH = 64;

/** The batch that the graph's input is fixed at; `undefined` when it takes any number of pictures. */
export function fixedBatch(
  inputs: readonly TensorDeclaration[],
  inputName: string,
): number | undefined {
  const first = inputs.find(({ name }) => name === inputName)?.shape[0];
  return typeof first === 'number' ? first : undefined;
}

/**
 * The outputs as they are declared for one picture: [1, …] where the graph has [N, …] because its
 * batch is fixed at N.
 * @throws VedetteError MODEL_MISMATCH when an output of such a graph has no place for each picture
 */
export function itemDeclarations(
  outputs: readonly TensorDeclaration[],
  batch: number | undefined,
): readonly TensorDeclaration[] {
  if (batch === undefined || batch === 1) return outputs;
  return outputs.map((output) => {
    const [first, ...rest] = output.shape;
    if (output.shape.length > 0 && typeof first === 'number' && first !== batch) {
      throw new VedetteError(
        'MODEL_MISMATCH',
        `graph output '${output.name}' [${output.shape.join(', ')}]: the batch is fixed at ${batch}, expected ${batch} as the first dimension`,
        { details: { output: output.name, shape: output.shape, batch } },
      );
    }
    return output.shape.length === 0 ? output : { ...output, shape: [1, ...rest] };
  });
}
