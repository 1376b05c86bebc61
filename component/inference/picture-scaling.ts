import { VedetteError } from '../contract/errors.ts';
import type { Box, FrameView, Point, Quad, Size } from '../contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../contract/tensor.ts';
import { inputSpec } from './input-size.ts';

/** A part of a camera's picture and the input that it becomes. */
export interface ShownInput {
  readonly view: Pick<FrameView, 'rotation' | 'region'>;
  readonly spec: TensorSpec;
  readonly sizeMultiple?: number | undefined;
}

/**
 * The smallest size of a picture of `source` (before any turning) from which no input would be scaled
 * up: each side is that which the resize mode of the most demanding input makes of it, rounded up to an
 * even number, and never above `source`. Without inputs nothing is known, and it is `source`.
 */
export function scaledSize(source: Size, inputs: readonly ShownInput[]): Size {
  if (inputs.length === 0) return source;
  const ratios = inputs.map((input) => neededRatio(source, input));
  return { width: side(source.width, ratios), height: side(source.height, ratios) };
}

/** Of whole numbers, so that a side that is just large enough is not rounded up. */
type Ratio = readonly [numerator: number, denominator: number];

function side(pixels: number, ratios: readonly Ratio[]): number {
  const needed = Math.max(...ratios.map(([part, whole]) => Math.ceil((pixels * part) / whole)));
  return Math.min(pixels, needed + (needed % 2));
}

function neededRatio(source: Size, { view, spec, sizeMultiple }: ShownInput): Ratio {
  const shown = view.region ?? turnedSize(source, view);
  const input = inputSpec(spec, sizeMultiple, shown);
  const across: Ratio = [input.width, shown.width];
  const down: Ratio = [input.height, shown.height];
  const isAcrossLarger = across[0] * down[1] > down[0] * across[1];
  switch (input.resize) {
    case 'letterbox':
    case 'letterbox-top-left':
      return isAcrossLarger ? down : across;
    case 'stretch':
    case 'crop':
      return isAcrossLarger ? across : down;
    case 'line':
      return down;
  }
}

/** Of a picture that was turned by its view. */
export const turnedSize = (
  { width, height }: Size,
  { rotation }: Pick<FrameView, 'rotation'>,
): Size =>
  rotation === 90 || rotation === 270 ? { width: height, height: width } : { width, height };

/**
 * Between the pixels of a camera's picture and those of the smaller copy of it that is stored. A result
 * never sees the latter.
 */
export class ScaledPicture {
  readonly #stored: Size;
  readonly #source: Size;

  /** Sizes before any turning. */
  constructor(stored: Size, source: Size) {
    this.#stored = stored;
    this.#source = source;
  }

  /** Size of the whole upright picture, in source pixels. */
  sourceSize(view: FrameView): Size {
    return turnedSize(this.#source, view);
  }

  /**
   * The same part of the stored picture. A region grows to whole pixels, by less than one on each side;
   * the transform that comes of it tells where exactly it lies.
   * @throws VedetteError FRAME_INVALID when the region does not lie within the picture
   */
  storedView(view: FrameView): FrameView {
    const { region, quad } = view;
    if (region === undefined && quad === undefined) return view;
    const stored = turnedSize(this.#stored, view);
    const source = turnedSize(this.#source, view);
    return {
      ...view,
      ...(region === undefined ? {} : { region: storedRegion(region, stored, source) }),
      ...(quad === undefined ? {} : { quad: storedQuad(quad, stored, source) }),
    };
  }

  /** From what leads to stored pixels of a view to what leads to source pixels. */
  sourceTransform(transform: FrameTransform, view: FrameView): FrameTransform {
    const stored = turnedSize(this.#stored, view);
    const source = turnedSize(this.#source, view);
    const x = source.width / stored.width;
    const y = source.height / stored.height;
    const { perspective } = transform;
    if (perspective !== undefined) {
      // The scale and the offset lead into the crop of the quad, which stays what it is.
      const [m0, m1, m2, m3, m4, m5, ...last] = perspective as readonly [
        ...[number, number, number, number, number, number],
        ...number[],
      ];
      const rows = [m0 * x, m1 * x, m2 * x, m3 * y, m4 * y, m5 * y, ...last];
      return { ...transform, perspective: rows, source };
    }
    return {
      scaleX: transform.scaleX * x,
      scaleY: transform.scaleY * y,
      offsetX: transform.offsetX * x,
      offsetY: transform.offsetY * y,
      source,
    };
  }
}

function storedRegion({ x, y, width, height }: Box, stored: Size, source: Size): Box {
  const isWhole = [x, y, width, height].every(Number.isSafeInteger);
  const isInside = x >= 0 && y >= 0 && x + width <= source.width && y + height <= source.height;
  if (!isWhole || !isInside || width < 1 || height < 1) {
    throw new VedetteError(
      'FRAME_INVALID',
      `region x ${x}, y ${y}, ${width} x ${height} does not lie within the upright picture of ${source.width}x${source.height}`,
    );
  }
  const left = Math.floor((x * stored.width) / source.width);
  const top = Math.floor((y * stored.height) / source.height);
  const right = Math.ceil(((x + width) * stored.width) / source.width);
  const bottom = Math.ceil(((y + height) * stored.height) / source.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function storedQuad(quad: Quad, stored: Size, source: Size): Quad {
  const point = ({ x, y }: Point): Point => ({
    x: (x * stored.width) / source.width,
    y: (y * stored.height) / source.height,
  });
  const [a, b, c, d] = quad;
  return [point(a), point(b), point(c), point(d)];
}
