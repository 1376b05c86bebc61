import type { Box, Point, Size } from '../contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../contract/tensor.ts';
import type { DecodeContext } from './decoder.ts';

/** The part of the upright picture that the model was shown, in source pixels. */
export function shownBox(context: DecodeContext): Box {
  const { source } = context.transform;
  const { region } = context.view;
  if (!region) return { x: 0, y: 0, ...source };
  const x = clamp(region.x, 0, source.width);
  const y = clamp(region.y, 0, source.height);
  return {
    x,
    y,
    width: clamp(region.x + region.width, 0, source.width) - x,
    height: clamp(region.y + region.height, 0, source.height) - y,
  };
}

/**
 * A box x1, y1, x2, y2 in pixels of the input as a box in source pixels, kept inside the picture;
 * `undefined` when nothing of it is left.
 */
export function sourceBox(corners: ArrayLike<number>, context: DecodeContext): Box | undefined {
  const { scaleX, scaleY, offsetX, offsetY } = context.transform;
  const shown = shownBox(context);
  const right = shown.x + shown.width;
  const bottom = shown.y + shown.height;
  const x1 = clamp(corners[0]! * scaleX + offsetX, shown.x, right);
  const y1 = clamp(corners[1]! * scaleY + offsetY, shown.y, bottom);
  const x2 = clamp(corners[2]! * scaleX + offsetX, shown.x, right);
  const y2 = clamp(corners[3]! * scaleY + offsetY, shown.y, bottom);
  const width = roundPixels(x2 - x1);
  const height = roundPixels(y2 - y1);
  if (width <= 0 || height <= 0) return undefined;
  return { x: roundPixels(x1), y: roundPixels(y1), width, height };
}

/** A point in pixels of the input in source pixels, kept inside of what the model was shown. */
export function sourcePoint({ x, y }: Point, context: DecodeContext): Point {
  const { scaleX, scaleY, offsetX, offsetY } = context.transform;
  const shown = shownBox(context);
  return {
    x: roundPixels(clamp(x * scaleX + offsetX, shown.x, shown.x + shown.width)),
    y: roundPixels(clamp(y * scaleY + offsetY, shown.y, shown.y + shown.height)),
  };
}

/** Source pixels are given to a hundredth. */
export const roundPixels = (value: number) => Math.round(value * 100) / 100;

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** An output map lying over the input tensor, and how its cells lie in the picture. */
export class PictureGrid {
  readonly size: Size;
  readonly #shown: Box;
  readonly #scaleX: number;
  readonly #scaleY: number;
  readonly #transform: FrameTransform;

  constructor(size: Size, spec: TensorSpec, context: DecodeContext) {
    this.size = size;
    this.#shown = shownBox(context);
    this.#transform = context.transform;
    this.#scaleX = (spec.width / size.width) * context.transform.scaleX;
    this.#scaleY = (spec.height / size.height) * context.transform.scaleY;
  }

  /** The cells whose centres lie in the picture; letterbox bars are left out. */
  pictureCells(): Box {
    const { x, y, width, height } = this.#shown;
    const columns = cellRange(x, width, this.#scaleX, this.#transform.offsetX, this.size.width);
    const rows = cellRange(y, height, this.#scaleY, this.#transform.offsetY, this.size.height);
    return {
      x: columns.first,
      y: rows.first,
      width: columns.count,
      height: rows.count,
    };
  }

  /** A point in cells to source pixels, kept inside the picture. */
  toSource(point: Point): Point {
    const { x, y, width, height } = this.#shown;
    const { offsetX, offsetY } = this.#transform;
    return {
      x: roundPixels(clamp(point.x * this.#scaleX + offsetX, x, x + width)),
      y: roundPixels(clamp(point.y * this.#scaleY + offsetY, y, y + height)),
    };
  }
}

/** Cells i with `start ≤ (i + 0.5) × scale + offset ≤ start + length`. */
function cellRange(start: number, length: number, scale: number, offset: number, cells: number) {
  const tolerance = 1e-6;
  const first = clamp(Math.ceil((start - offset) / scale - 0.5 - tolerance), 0, cells);
  const last = Math.floor((start + length - offset) / scale - 0.5 + tolerance);
  return { first, count: Math.max(0, clamp(last + 1, 0, cells) - first) };
}
