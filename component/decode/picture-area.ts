import type { Box, Point, Size } from '../contract/frame.ts';
import { quadSize } from '../contract/quad-size.ts';
import type { FrameTransform, TensorSpec } from '../contract/tensor.ts';
import type { DecodeContext } from './decoder.ts';

/**
 * The part of the upright picture that the model was shown, in source pixels; of a quad the box around
 * it.
 */
export function shownBox(context: DecodeContext): Box {
  const { source } = context.transform;
  const { quad } = context.view;
  const region = quad ? boxAround(quad) : context.view.region;
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
  const shown = shownBox(context);
  const right = shown.x + shown.width;
  const bottom = shown.y + shown.height;
  const [left, top, far, low] = hullOf(corners, context.transform);
  const x1 = clamp(left, shown.x, right);
  const y1 = clamp(top, shown.y, bottom);
  const x2 = clamp(far, shown.x, right);
  const y2 = clamp(low, shown.y, bottom);
  const width = roundPixels(x2 - x1);
  const height = roundPixels(y2 - y1);
  if (width <= 0 || height <= 0) return undefined;
  return { x: roundPixels(x1), y: roundPixels(y1), width, height };
}

/** A point in pixels of the input in source pixels, kept inside of what the model was shown. */
export function sourcePoint(point: Point, context: DecodeContext): Point {
  const { x, y } = sourcePlace(point, context.transform);
  const shown = shownBox(context);
  return {
    x: roundPixels(clamp(x, shown.x, shown.x + shown.width)),
    y: roundPixels(clamp(y, shown.y, shown.y + shown.height)),
  };
}

/** A place in pixels of the input as a place in the source, wherever that is. */
export function sourcePlace({ x, y }: Point, transform: FrameTransform): Point {
  const { scaleX, scaleY, offsetX, offsetY, perspective } = transform;
  const place = { x: x * scaleX + offsetX, y: y * scaleY + offsetY };
  if (!perspective) return place;
  const row = (first: number) =>
    perspective[first]! * place.x + perspective[first + 1]! * place.y + perspective[first + 2]!;
  return { x: row(0) / row(6), y: row(3) / row(6) };
}

/** x1, y1, x2, y2 in the source of what encloses a box of the input. */
function hullOf(
  corners: ArrayLike<number>,
  transform: FrameTransform,
): [number, number, number, number] {
  const [x1, y1, x2, y2] = [corners[0]!, corners[1]!, corners[2]!, corners[3]!];
  const first = sourcePlace({ x: x1, y: y1 }, transform);
  const last = sourcePlace({ x: x2, y: y2 }, transform);
  if (!transform.perspective) return [first.x, first.y, last.x, last.y];
  const others = [
    { x: x2, y: y1 },
    { x: x1, y: y2 },
  ].map((corner) => sourcePlace(corner, transform));
  const { x, y, width, height } = boxAround([first, last, ...others]);
  return [x, y, x + width, y + height];
}

function boxAround(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Source pixels are given to a hundredth. */
export const roundPixels = (value: number) => Math.round(value * 100) / 100;

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** An output map lying over the input tensor, and how its cells lie in the picture. */
export class PictureGrid {
  readonly size: Size;
  /** Of a cell, in pixels of the input. */
  readonly #cell: Size;
  readonly #context: DecodeContext;

  constructor(size: Size, spec: TensorSpec, context: DecodeContext) {
    this.size = size;
    const { width, height } = context.input ?? spec;
    this.#cell = { width: width / size.width, height: height / size.height };
    this.#context = context;
  }

  /** The cells whose centres lie in the picture; letterbox bars are left out. */
  pictureCells(): Box {
    const { transform, view } = this.#context;
    const shown = view.quad ? { x: 0, y: 0, ...quadSize(view.quad) } : shownBox(this.#context);
    const [scaleX, scaleY] = [
      this.#cell.width * transform.scaleX,
      this.#cell.height * transform.scaleY,
    ];
    const columns = cellRange(shown.x, shown.width, scaleX, transform.offsetX, this.size.width);
    const rows = cellRange(shown.y, shown.height, scaleY, transform.offsetY, this.size.height);
    return {
      x: columns.first,
      y: rows.first,
      width: columns.count,
      height: rows.count,
    };
  }

  /** A point in cells to source pixels, kept inside the picture. */
  toSource({ x, y }: Point): Point {
    return sourcePoint({ x: x * this.#cell.width, y: y * this.#cell.height }, this.#context);
  }
}

/** Cells i with `start ≤ (i + 0.5) × scale + offset ≤ start + length`. */
function cellRange(start: number, length: number, scale: number, offset: number, cells: number) {
  const tolerance = 1e-6;
  const first = clamp(Math.ceil((start - offset) / scale - 0.5 - tolerance), 0, cells);
  const last = Math.floor((start + length - offset) / scale - 0.5 + tolerance);
  return { first, count: Math.max(0, clamp(last + 1, 0, cells) - first) };
}
