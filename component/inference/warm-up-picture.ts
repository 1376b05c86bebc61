import type { RawImage } from '../../native/index.ts';

const SIDE = 96;

/**
 * A made-up RGB picture with a slope and noise, always the same: a plain one would make models that
 * normalise by their own spread divide by zero, which no camera picture does.
 */
export function warmUpPicture(): RawImage {
  const data = new Uint8Array(SIDE * SIDE * 3);
  let state = 0x2545f491;
  for (let index = 0; index < data.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const slope = (index / data.length) * 160;
    data[index] = slope + (state & 0x3f);
  }
  return { data, width: SIDE, height: SIDE, format: 'rgb24' };
}
