import type { TensorValue } from '../../component/contract/tensor.ts';

const CLASSES = 80;
const ANCHORS = 8400;
const CHANNELS = 4 + CLASSES;

/**
 * A head [1, 84, 8400] as a detector of 640×640 gives it: nearly all scores are close to 0, and
 * around each of `objects` there are `nearby` candidates that reach the threshold of 0.25.
 */
export function yoloScene(objects: number, nearby: number, seed: number): TensorValue {
  const random = seededRandom(seed);
  const data = new Float32Array(CHANNELS * ANCHORS);
  const set = (channel: number, anchor: number, value: number) => {
    data[channel * ANCHORS + anchor] = value;
  };
  for (let anchor = 0; anchor < ANCHORS; anchor += 1) {
    set(0, anchor, random() * 640);
    set(1, anchor, random() * 640);
    set(2, anchor, 8 + random() * 200);
    set(3, anchor, 8 + random() * 200);
    for (let index = 0; index < CLASSES; index += 1) set(4 + index, anchor, random() ** 8 * 0.1);
  }
  for (let object = 0; object < objects; object += 1) {
    const label = Math.floor(random() ** 3 * CLASSES);
    const width = 20 + random() * 150;
    const height = 20 + random() * 150;
    const [x, y] = [random() * 640, random() * 640];
    for (let near = 0; near < nearby; near += 1) {
      const anchor = Math.floor(random() * ANCHORS);
      set(0, anchor, x + (random() - 0.5) * width * 0.2);
      set(1, anchor, y + (random() - 0.5) * height * 0.2);
      set(2, anchor, width * (0.9 + random() * 0.2));
      set(3, anchor, height * (0.9 + random() * 0.2));
      set(4 + label, anchor, 0.3 + random() * 0.6);
    }
  }
  return { name: 'output0', dtype: 'float32', shape: [1, CHANNELS, ANCHORS], data };
}

/** Repeatable numbers 0–1 (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
