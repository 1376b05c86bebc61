/**
 * A JPEG to a letterboxed tensor without the addon: sharp decodes, and what it does not do a loop in
 * JavaScript does. Nothing is allocated for a frame but what sharp returns.
 */
import sharp from 'sharp';

const GREY = 114;
const SCALE = 1 / 255;

/** What sharp can be asked for that makes about the same tensor; the benchmark takes the quickest. */
export interface SharpWay {
  readonly name: string;
  readonly resize?: {
    readonly kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
    /** libjpeg may decode at a half, a quarter or an eighth more eagerly. */
    readonly fastShrinkOnLoad: boolean;
  };
}

export const SHARP_WAYS: readonly SharpWay[] = [
  ...(['nearest', 'linear', 'cubic', 'lanczos3'] as const).flatMap((kernel) =>
    [true, false].map((fastShrinkOnLoad) => ({
      name: `sharp resizes, ${kernel}${fastShrinkOnLoad ? '' : ', no fast shrink'}`,
      resize: { kernel, fastShrinkOnLoad },
    })),
  ),
  { name: 'sharp decodes, the loop resizes' },
];

/** To planar float32 [3, side, side], 0–1, RGB; bars are written once. */
export class SharpLetterbox {
  readonly out: Float32Array;
  readonly #way: SharpWay;
  readonly #side: number;
  /** Where each pixel of the tensor lies in the decoded picture, for the way without a resize. */
  #taps: { columns: Taps; rows: Taps } | undefined;

  constructor(way: SharpWay, side: number) {
    this.#way = way;
    this.#side = side;
    this.out = new Float32Array(3 * side * side).fill(GREY * SCALE);
  }

  async run(jpeg: Buffer, width: number, height: number): Promise<void> {
    const side = this.#side;
    const scale = Math.min(side / width, side / height);
    const fitted = { width: Math.round(width * scale), height: Math.round(height * scale) };
    const { resize } = this.#way;
    if (resize === undefined) {
      const pixels = await sharp(jpeg).raw().toBuffer();
      this.#taps ??= { columns: taps(width, fitted.width), rows: taps(height, fitted.height) };
      this.#blend(pixels, width, fitted, this.#taps.columns, this.#taps.rows);
    } else {
      const pixels = await sharp(jpeg)
        .resize(fitted.width, fitted.height, { fit: 'fill', ...resize })
        .raw()
        .toBuffer();
      this.#separate(pixels, fitted);
    }
  }

  /** Where the first pixel of the picture lies in a plane. */
  #start({ width, height }: Fitted): number {
    return ((this.#side - height) >> 1) * this.#side + ((this.#side - width) >> 1);
  }

  #separate(pixels: Uint8Array, fitted: Fitted): void {
    const { out } = this;
    const side = this.#side;
    const plane = side * side;
    const green = plane;
    const blue = 2 * plane;
    let o = this.#start(fitted);
    for (let y = 0, i = 0; y < fitted.height; y++, o += side - fitted.width) {
      for (let x = 0; x < fitted.width; x++, o++, i += 3) {
        out[o] = pixels[i]! * SCALE;
        out[green + o] = pixels[i + 1]! * SCALE;
        out[blue + o] = pixels[i + 2]! * SCALE;
      }
    }
  }

  #blend(pixels: Uint8Array, width: number, fitted: Fitted, columns: Taps, rows: Taps): void {
    const { out } = this;
    const side = this.#side;
    const plane = side * side;
    let o = this.#start(fitted);
    for (let y = 0; y < fitted.height; y++, o += side - fitted.width) {
      const upper = rows.first[y]! * width * 3;
      const lower = rows.second[y]! * width * 3;
      const wy = rows.weight[y]!;
      for (let x = 0; x < fitted.width; x++, o++) {
        const left = columns.first[x]! * 3;
        const right = columns.second[x]! * 3;
        const wx = columns.weight[x]!;
        const w11 = wx * wy * SCALE;
        const w01 = wx * SCALE - w11;
        const w10 = wy * SCALE - w11;
        const w00 = SCALE - wx * SCALE - w10;
        for (let c = 0, at = o; c < 3; c++, at += plane) {
          out[at] =
            w00 * pixels[upper + left + c]! +
            w01 * pixels[upper + right + c]! +
            w10 * pixels[lower + left + c]! +
            w11 * pixels[lower + right + c]!;
        }
      }
    }
  }
}

interface Fitted {
  readonly width: number;
  readonly height: number;
}

interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float64Array;
}

/** Source positions and weight of the second one for each target pixel (pixel centres, no anti-aliasing). */
function taps(source: number, target: number): Taps {
  const first = new Int32Array(target);
  const second = new Int32Array(target);
  const weight = new Float64Array(target);
  for (let i = 0; i < target; i++) {
    const position = Math.max(0, ((i + 0.5) * source) / target - 0.5);
    first[i] = Math.min(source - 1, Math.floor(position));
    second[i] = Math.min(source - 1, first[i]! + 1);
    weight[i] = position - first[i]!;
  }
  return { first, second, weight };
}
