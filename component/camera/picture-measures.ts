import type { Box, Size } from '../contract/frame.ts';

/** Luma of a picture that was scaled down, one byte a pixel, packed. */
export interface LumaPicture extends Size {
  readonly luma: Uint8Array;
}

export interface PictureMeasures {
  /** 0–255. */
  readonly meanLuma: number;
  /** Share of pixels with a luma of at most 25: a tenth of the range, as ffmpeg's `blackdetect` has it. */
  readonly darkFraction: number;
  /** Share of pixels with a luma of at least 250, where a sensor has nothing left to say. */
  readonly brightFraction: number;
  /**
   * Variance of the Laplacian (Pech-Pacheco and others, «Diatom autofocusing in brightfield
   * microscopy», ICPR 2000), kernel 0 1 0 / 1 −4 1 / 0 1 0, without the border.
   */
  readonly sharpness: number;
}

const DARK_LUMA = 25;
const BRIGHT_LUMA = 250;

/** Luma of packed RGB by BT.601, full range: 0.299 R + 0.587 G + 0.114 B, rounded. */
export function lumaOf({ data, width, height }: Size & { readonly data: Uint8Array }): LumaPicture {
  const luma = new Uint8Array(width * height);
  for (let pixel = 0, at = 0; pixel < luma.length; pixel += 1, at += 3) {
    luma[pixel] = (77 * data[at]! + 150 * data[at + 1]! + 29 * data[at + 2]! + 128) >> 8;
  }
  return { luma, width, height };
}

export function measurePicture({ luma, width, height }: LumaPicture): PictureMeasures {
  let sum = 0;
  let dark = 0;
  let bright = 0;
  for (const value of luma) {
    sum += value;
    if (value <= DARK_LUMA) dark += 1;
    if (value >= BRIGHT_LUMA) bright += 1;
  }
  let total = 0;
  let squares = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1, at = y * width + 1; x < width - 1; x += 1, at += 1) {
      const around = luma[at - width]! + luma[at - 1]! + luma[at + 1]! + luma[at + width]!;
      const laplacian = around - 4 * luma[at]!;
      total += laplacian;
      squares += laplacian * laplacian;
    }
  }
  const inner = Math.max(1, (width - 2) * (height - 2));
  return {
    meanLuma: sum / luma.length,
    darkFraction: dark / luma.length,
    brightFraction: bright / luma.length,
    sharpness: Math.max(0, squares / inner - (total / inner) ** 2),
  };
}

const isSameSize = (one: Size, other: Size) =>
  one.width === other.width && one.height === other.height;

/** Mean absolute difference in levels of luma. `undefined` for pictures of two sizes. */
export function meanDifference(one: LumaPicture, other: LumaPicture): number | undefined {
  if (!isSameSize(one, other)) return undefined;
  let sum = 0;
  const count = one.luma.length;
  for (let at = 0; at < count; at += 1) sum += Math.abs(one.luma[at]! - other.luma[at]!);
  return sum / count;
}

/**
 * Share of the pixels of `region`, in pixels of these pictures, or of all whose luma differs by more than
 * `minDifference` levels: 0 to 1. `undefined` for pictures of two sizes.
 */
export function changedFraction(
  one: LumaPicture,
  other: LumaPicture,
  minDifference: number,
  region: Box = { x: 0, y: 0, width: one.width, height: one.height },
): number | undefined {
  if (!isSameSize(one, other)) return undefined;
  let changed = 0;
  for (let y = region.y; y < region.y + region.height; y += 1) {
    const start = y * one.width + region.x;
    for (let at = start; at < start + region.width; at += 1) {
      if (Math.abs(one.luma[at]! - other.luma[at]!) > minDifference) changed += 1;
    }
  }
  return changed / (region.width * region.height);
}

/**
 * Zero-mean normalised cross-correlation at no shift (Lewis, «Fast Normalized Cross-Correlation»,
 * 1995, formula 2): −1 to 1, whatever the brightness and contrast. `undefined` for pictures of two
 * sizes, and when one of them is of one level only.
 */
export function correlation(one: LumaPicture, other: LumaPicture): number | undefined {
  if (!isSameSize(one, other)) return undefined;
  const count = one.luma.length;
  const meanOf = ({ luma }: LumaPicture) => luma.reduce((sum, value) => sum + value, 0) / count;
  const [meanOne, meanOther] = [meanOf(one), meanOf(other)];
  let [both, ones, others] = [0, 0, 0];
  for (let at = 0; at < count; at += 1) {
    const a = one.luma[at]! - meanOne;
    const b = other.luma[at]! - meanOther;
    both += a * b;
    ones += a * a;
    others += b * b;
  }
  return ones === 0 || others === 0 ? undefined : both / Math.sqrt(ones * others);
}
