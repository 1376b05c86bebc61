/**
 * The same work without the addon, as well as plain JavaScript does it: typed arrays, nothing
 * allocated for a frame, tables made once. The benchmark's peer.
 */
import sharp from 'sharp';
import type { YuvFormat } from '../bench-pictures.ts';

/** JPEG to planar float32 [3, side, side], 0–255, stretched: sharp decodes and scales, a loop sorts. */
export class SharpToTensor {
  readonly out: Float32Array;
  readonly #side: number;

  constructor(side: number) {
    this.#side = side;
    this.out = new Float32Array(3 * side * side);
  }

  async run(jpeg: Buffer): Promise<void> {
    const side = this.#side;
    const pixels = await sharp(jpeg)
      .resize(side, side, { fit: 'fill', kernel: 'linear' })
      .removeAlpha()
      .raw()
      .toBuffer();
    const { out } = this;
    const plane = side * side;
    for (let i = 0, j = 0; i < plane; i++, j += 3) {
      out[i] = pixels[j]!;
      out[plane + i] = pixels[j + 1]!;
      out[2 * plane + i] = pixels[j + 2]!;
    }
  }
}

/** Source positions and weight of the second one for each target pixel (pixel centres, no anti-aliasing). */
function taps(source: number, target: number) {
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

const GREY = 114;

/**
 * I420 or NV12 (limited range BT.601) to planar float32 [3, side, side], 0–1, RGB, letterboxed with
 * grey 114: one fused loop, bars written once.
 */
export class YuvToTensor {
  readonly out: Float32Array;
  readonly #format: YuvFormat;
  readonly #width: number;
  readonly #height: number;
  readonly #side: number;
  readonly #targetWidth: number;
  readonly #targetHeight: number;
  readonly #columns: ReturnType<typeof taps>;
  readonly #rows: ReturnType<typeof taps>;

  constructor(format: YuvFormat, width: number, height: number, side: number) {
    const scale = Math.min(side / width, side / height);
    this.#format = format;
    this.#width = width;
    this.#height = height;
    this.#side = side;
    this.#targetWidth = Math.round(width * scale);
    this.#targetHeight = Math.round(height * scale);
    this.#columns = taps(width, this.#targetWidth);
    this.#rows = taps(height, this.#targetHeight);
    this.out = new Float32Array(3 * side * side).fill(GREY / 255);
  }

  run(frame: Uint8Array): void {
    const { out } = this;
    const width = this.#width;
    const side = this.#side;
    const targetWidth = this.#targetWidth;
    const targetHeight = this.#targetHeight;
    const { first: left, second: right, weight: weightX } = this.#columns;
    const { first: upper, second: lower, weight: weightY } = this.#rows;
    const plane = side * side;
    const isPlanar = this.#format === 'i420';
    const luma = width * this.#height;
    const uBase = luma;
    const vBase = isPlanar ? luma + luma / 4 : luma + 1;
    const step = isPlanar ? 1 : 2;
    const chromaPitch = (width >> 1) * step;
    const top = (side - targetHeight) >> 1;
    let o = top * side + ((side - targetWidth) >> 1);
    for (let y = 0; y < targetHeight; y++, o += side - targetWidth) {
      const y0 = upper[y]!;
      const y1 = lower[y]!;
      const wy = weightY[y]!;
      const row0 = y0 * width;
      const row1 = y1 * width;
      const chroma0 = (y0 >> 1) * chromaPitch;
      const chroma1 = (y1 >> 1) * chromaPitch;
      for (let x = 0; x < targetWidth; x++, o++) {
        const x0 = left[x]!;
        const x1 = right[x]!;
        const wx = weightX[x]!;
        const w11 = wx * wy;
        const w01 = wx - w11;
        const w10 = wy - w11;
        const w00 = 1 - wx - w10;
        const l =
          w00 * frame[row0 + x0]! +
          w01 * frame[row0 + x1]! +
          w10 * frame[row1 + x0]! +
          w11 * frame[row1 + x1]!;
        const c0 = (x0 >> 1) * step;
        const c1 = (x1 >> 1) * step;
        const u =
          w00 * frame[uBase + chroma0 + c0]! +
          w01 * frame[uBase + chroma0 + c1]! +
          w10 * frame[uBase + chroma1 + c0]! +
          w11 * frame[uBase + chroma1 + c1]! -
          128;
        const v =
          w00 * frame[vBase + chroma0 + c0]! +
          w01 * frame[vBase + chroma0 + c1]! +
          w10 * frame[vBase + chroma1 + c0]! +
          w11 * frame[vBase + chroma1 + c1]! -
          128;
        const grey = (l - 16) * (1.164383 / 255);
        const r = grey + v * (1.596027 / 255);
        const g = grey - u * (0.391762 / 255) - v * (0.812968 / 255);
        const b = grey + u * (2.017232 / 255);
        out[o] = r < 0 ? 0 : r > 1 ? 1 : r;
        out[o + plane] = g < 0 ? 0 : g > 1 ? 1 : g;
        out[o + 2 * plane] = b < 0 ? 0 : b > 1 ? 1 : b;
      }
    }
  }
}
