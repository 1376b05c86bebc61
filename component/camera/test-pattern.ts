import type { Size } from '../contract/frame.ts';

/** Eight vertical bars, as television's 100 % colour bars: red, green, blue. */
export const PATTERN_BARS = [
  [255, 255, 255],
  [255, 255, 0],
  [0, 255, 255],
  [0, 255, 0],
  [255, 0, 255],
  [255, 0, 0],
  [0, 0, 255],
  [0, 0, 0],
] as const;

const NUMBER_BITS = 32;

/** The edge of the moving square and the height of the strip that holds the number, in pixels. */
export const patternUnit = ({ width, height }: Size): number =>
  Math.max(2, Math.floor(Math.min(width, height) / 12));

/**
 * A picture that says which one it is, as packed RGB. Colour bars fill it. The strip along its top
 * has 32 fields of ⌊width / 32⌋ pixels, white for 1 and black for 0: the frame's number, the highest
 * bit first. A square of mid grey moves to the right along the bottom, a pixel a frame.
 */
export class TestPattern {
  readonly #size: Size;
  readonly #bars: Uint8Array;

  constructor(size: Size) {
    this.#size = size;
    this.#bars = drawBars(size);
  }

  get byteLength(): number {
    return this.#bars.byteLength;
  }

  /** Draws frame `sequence` over all of `target`'s first `byteLength` bytes. */
  draw(target: Uint8Array, sequence: number): void {
    const { width, height } = this.#size;
    const unit = patternUnit(this.#size);
    target.set(this.#bars);
    const field = Math.floor(width / NUMBER_BITS);
    for (let y = 0; y < unit; y += 1) {
      const row = y * width * 3;
      for (let bit = 0; bit < NUMBER_BITS; bit += 1) {
        const isSet = Math.floor(sequence / 2 ** (NUMBER_BITS - 1 - bit)) % 2 === 1;
        const start = row + bit * field * 3;
        target.fill(isSet ? 255 : 0, start, start + field * 3);
      }
    }
    const left = sequence % (width - unit + 1);
    for (let y = height - unit; y < height; y += 1) {
      const start = (y * width + left) * 3;
      target.fill(128, start, start + unit * 3);
    }
  }
}

function drawBars({ width, height }: Size): Uint8Array {
  const row = new Uint8Array(width * 3);
  for (let x = 0; x < width; x += 1) {
    row.set(PATTERN_BARS[Math.floor((x * PATTERN_BARS.length) / width)]!, x * 3);
  }
  const bytes = new Uint8Array(row.byteLength * height);
  for (let y = 0; y < height; y += 1) bytes.set(row, y * row.byteLength);
  return bytes;
}
