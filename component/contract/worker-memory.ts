/**
 * Heap limits of a worker thread, in MB. A young generation of V8's default size lets garbage of
 * each frame pile up: with it the resident memory of the demo swung by ±4 %, with this by ±1 %.
 */
export const WORKER_MEMORY = { maxYoungGenerationSizeMb: 6 } as const;
