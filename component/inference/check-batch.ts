import { rawToTensor } from '../../native/index.ts';
import type { RawImage } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import { WHOLE_FRAME } from '../contract/frame.ts';
import type { TensorSpec, TensorValue } from '../contract/tensor.ts';
import { numericValues } from '../decode/output-values.ts';
import type { BatchInput } from './batch-input.ts';
import { itemOutputs } from './item-outputs.ts';
import type { Outputs } from './item-outputs.ts';
import type { RunPlaces } from './picture-batcher.ts';
import { warmUpPicture } from './warm-up-picture.ts';

/**
 * Mean difference, in parts of the greatest value. Kernels may add up in another order for more
 * pictures (1e-6); a graph that mixes them is far beyond.
 */
const TOLERANCE = 1e-3;

/**
 * Runs a full batch: the picture that lies in the first place with another one behind it in all others.
 * The answers for the first and the last must be those that they give alone. Graphs that mix pictures are those with a fixed 1 inside of them, and
 * dynamically quantised ones, whose scale is that of the whole batch.
 * @param alone the outputs of the first place alone
 * @throws VedetteError MODEL_MISMATCH
 */
export async function checkBatch(
  spec: TensorSpec,
  input: BatchInput,
  alone: Outputs,
  run: RunPlaces,
): Promise<void> {
  const count = input.places.length;
  const other = dimmed(warmUpPicture());
  for (const place of input.places.slice(1)) rawToTensor(other, WHOLE_FRAME, spec, place);
  const names = [...alone.keys()];
  const last = count - 1;
  let shared: readonly Outputs[];
  let single: readonly Outputs[];
  try {
    const all = await run(0, count, names);
    shared = [0, last].map((index) => itemOutputs(all, index, count));
    single = [alone, await run(last, 1, names)];
  } catch (error) {
    throw cannotShare(count, VedetteError.from(error).message, error);
  }
  for (const [index, outputs] of single.entries()) {
    for (const [name, one] of outputs) {
      const difference = meanDifference(one, shared[index]!.get(name)!);
      if (difference <= TOLERANCE) continue;
      throw cannotShare(
        count,
        `output '${name}' differs by ${difference.toPrecision(2)} of its greatest value from what the same picture gives alone`,
      );
    }
  }
}

/** The same picture much darker, which makes other values everywhere. */
const dimmed = (picture: RawImage): RawImage => ({
  ...picture,
  data: picture.data.map((level) => level >> 2),
});

function meanDifference(one: TensorValue, other: TensorValue): number {
  const [a, b] = [numericValues(one), numericValues(other)];
  if (a.length !== b.length) return Infinity;
  let [sum, greatest] = [0, 0];
  for (let index = 0; index < a.length; index += 1) {
    sum += Math.abs(a[index]! - b[index]!);
    greatest = Math.max(greatest, Math.abs(a[index]!));
  }
  return sum === 0 ? 0 : sum / a.length / greatest;
}

function cannotShare(count: number, why: string, cause?: unknown): VedetteError {
  return new VedetteError(
    'MODEL_MISMATCH',
    `pictures cannot share a run of this model, set maxBatch to 1: in a batch of ${count}, ${why}`,
    { cause, details: { batch: count } },
  );
}
