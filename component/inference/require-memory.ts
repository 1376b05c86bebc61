import { VedetteError } from '../contract/errors.ts';

const BYTES_PER_MEGABYTE = 1_048_576;

/**
 * Refuses to load workers beside what runs when the machine, or the control group of this process,
 * has not the memory that the model took in the probe, once for each worker. A half of what is free
 * is left: a device that swaps misses more deadlines than an old model.
 * @param makeRoom called when it is not enough, before it is looked at again
 * @throws VedetteError MODEL_MEMORY_EXCEEDED
 */
export async function requireMemory(
  name: string,
  modelMegabytes: number,
  workers: number,
  makeRoom: () => Promise<void>,
): Promise<void> {
  const neededMegabytes = modelMegabytes * workers;
  if (neededMegabytes <= usableMegabytes()) return;
  await makeRoom();
  const usable = usableMegabytes();
  if (neededMegabytes <= usable) return;
  throw new VedetteError(
    'MODEL_MEMORY_EXCEEDED',
    `model '${name}' needs ${neededMegabytes} MB beside the one that runs (${modelMegabytes} MB for each of ${workers} workers), ` +
      `and ${usable} MB may be taken: half of what is free`,
    { details: { model: name, neededMegabytes, usableMegabytes: usable, workers } },
  );
}

const usableMegabytes = (): number =>
  Math.floor(process.availableMemory() / BYTES_PER_MEGABYTE / 2);
