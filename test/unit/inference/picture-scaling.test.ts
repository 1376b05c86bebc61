import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box, FrameView, Quad, Size } from '../../../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../../../component/contract/tensor.ts';
import {
  ScaledPicture,
  scaledSize,
  turnedSize,
  type ShownInput,
} from '../../../component/inference/picture-scaling.ts';

const UPRIGHT: FrameView = { rotation: 0, flip: 'none' };
const specOf = (size: Size, resize: TensorSpec['resize'] = 'stretch'): TensorSpec => ({
  ...size,
  resize,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  interpolation: 'bilinear',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 0,
});
const inputOf = (
  width: number,
  height: number,
  resize?: TensorSpec['resize'],
  view: Partial<FrameView> = {},
): ShownInput => ({ view: { ...UPRIGHT, ...view }, spec: specOf({ width, height }, resize) });

const sides = fc.integer({ min: 1, max: 4096 });
const sizes = fc.record({ width: sides, height: sides });
const rotations = fc.constantFrom<FrameView['rotation']>(0, 90, 180, 270);
const within = ({ width, height }: Size) =>
  fc.tuple(fc.nat(width - 1), fc.nat(height - 1)).chain(([x, y]) =>
    fc.record<Box>({
      x: fc.constant(x),
      y: fc.constant(y),
      width: fc.integer({ min: 1, max: width - x }),
      height: fc.integer({ min: 1, max: height - y }),
    }),
  );
const views = (source: Size) =>
  rotations.chain((rotation) =>
    fc
      .option(within(turnedSize(source, { rotation })), { nil: undefined })
      .map((region): FrameView => ({ rotation, flip: 'none', ...(region ? { region } : {}) })),
  );
const shown = (source: Size) =>
  fc
    .tuple(
      views(source),
      fc.record({
        width: fc.integer({ min: 1, max: 1280 }),
        height: fc.integer({ min: 1, max: 1280 }),
      }),
      fc.constantFrom<TensorSpec['resize']>(
        ...(['stretch', 'letterbox', 'letterbox-top-left', 'crop', 'line'] as const),
      ),
    )
    .map(([view, size, resize]): ShownInput => ({ view, spec: specOf(size, resize) }));
const scenes = sizes.chain((source) =>
  fc.record({
    source: fc.constant(source),
    inputs: fc.array(shown(source), { minLength: 1, maxLength: 4 }),
  }),
);

/** Size of the picture inside an input, as the resize mode defines it; whole parts of a pixel allowed. */
function contentOf({ width, height }: Size, { spec }: ShownInput): Size {
  const [across, down] = [spec.width / width, spec.height / height];
  if (spec.resize === 'stretch') return spec;
  const ratio = {
    letterbox: Math.min(across, down),
    'letterbox-top-left': Math.min(across, down),
    crop: Math.max(across, down),
    line: down,
  }[spec.resize];
  return { width: width * ratio, height: height * ratio };
}

describe('scaledSize', () => {
  it('is what the resize mode makes of the picture', () => {
    const source = { width: 1920, height: 1080 };
    const of = (...inputs: ShownInput[]) => scaledSize(source, inputs);
    expect(of(inputOf(640, 640, 'letterbox'))).toEqual({ width: 640, height: 360 });
    expect(of(inputOf(640, 640, 'stretch'))).toEqual({ width: 1138, height: 640 });
    expect(of(inputOf(224, 224, 'crop'))).toEqual({ width: 400, height: 224 });
    expect(of(inputOf(320, 48, 'line'))).toEqual({ width: 86, height: 48 });
    expect(of(inputOf(640, 640, 'letterbox', { rotation: 90 }))).toEqual({
      width: 640,
      height: 360,
    });
    const region = { x: 480, y: 0, width: 960, height: 1080 };
    expect(of(inputOf(480, 640, 'letterbox', { region }))).toEqual({ width: 960, height: 540 });
    expect(of(inputOf(64, 64), inputOf(640, 640, 'letterbox'))).toEqual({
      width: 640,
      height: 360,
    });
  });

  it('is the picture where an input is as large, and where none is known', () => {
    const source = { width: 641, height: 479 };
    expect(scaledSize(source, [])).toEqual(source);
    expect(scaledSize(source, [inputOf(1280, 1280)])).toEqual(source);
    expect(scaledSize(source, [inputOf(640, 640)])).toEqual(source);
  });

  it('follows an input that follows the picture', () => {
    const input = { ...inputOf(960, 960), sizeMultiple: 32 };
    // 1920×1080 scaled down until it fits is 960×540, of which both sides are rounded to 32.
    expect(scaledSize({ width: 1920, height: 1080 }, [input])).toEqual({ width: 968, height: 544 });
  });

  it('has even sides, is never below an input, never above the picture, and hardly larger than needed', () => {
    fc.assert(
      fc.property(scenes, ({ source, inputs }) => {
        const scaled = scaledSize(source, inputs);
        for (const side of ['width', 'height'] as const) {
          expect(scaled[side]).toBeLessThanOrEqual(source[side]);
          if (scaled[side] < source[side]) expect(scaled[side] % 2).toBe(0);
        }
        const picture = new ScaledPicture(scaled, source);
        const isFull = scaled.width === source.width && scaled.height === source.height;
        let isTight = isFull;
        for (const input of inputs) {
          const view: FrameView = { flip: 'none', ...input.view };
          const whole = { x: 0, y: 0, ...turnedSize(source, view) };
          const part = view.region ?? whole;
          const stored = picture.storedView({ ...view, region: part }).region!;
          const content = contentOf(part, input);
          if (!isFull) {
            expect(stored.width).toBeGreaterThanOrEqual(Math.min(part.width, content.width) - 1e-6);
            expect(stored.height).toBeGreaterThanOrEqual(
              Math.min(part.height, content.height) - 1e-6,
            );
          }
          const upright = turnedSize(scaled, view);
          const needed = Math.max(
            input.spec.resize === 'line' ? 0 : content.width / part.width,
            content.height / part.height,
          );
          isTight ||=
            upright.width < needed * whole.width + 2 + 1e-6 ||
            upright.height < needed * whole.height + 2 + 1e-6;
        }
        expect(isTight).toBe(true);
      }),
    );
  });
});

describe('ScaledPicture', () => {
  const pictures = sizes.chain((source) =>
    fc.record({
      source: fc.constant(source),
      stored: fc.record({
        width: fc.integer({ min: 1, max: source.width }),
        height: fc.integer({ min: 1, max: source.height }),
      }),
      view: views(source),
    }),
  );
  const at = ({ scaleX, scaleY, offsetX, offsetY }: FrameTransform, x: number, y: number) => ({
    x: x * scaleX + offsetX,
    y: y * scaleY + offsetY,
  });

  it('brings a point back to where it came from, whatever lies between', () => {
    const numbers = fc.double({ min: 0.01, max: 50, noNaN: true });
    const transforms = fc.record({
      scaleX: numbers,
      scaleY: numbers,
      offsetX: numbers,
      offsetY: numbers,
    });
    fc.assert(
      fc.property(pictures, transforms, fc.nat(4095), fc.nat(4095), (scene, found, px, py) => {
        const { source, stored, view } = scene;
        const picture = new ScaledPicture(stored, source);
        const [whole, small] = [turnedSize(source, view), turnedSize(stored, view)];
        const point = { x: px % whole.width, y: py % whole.height };
        // Where ffmpeg put it, and where a tensor has that place.
        const seen = {
          x: ((point.x * small.width) / whole.width - found.offsetX) / found.scaleX,
          y: ((point.y * small.height) / whole.height - found.offsetY) / found.scaleY,
        };
        const back = picture.sourceTransform({ ...found, source: small }, view);
        expect(back.source).toEqual(whole);
        expect(Math.abs(at(back, seen.x, seen.y).x - point.x)).toBeLessThan(1e-6);
        expect(Math.abs(at(back, seen.x, seen.y).y - point.y)).toBeLessThan(1e-6);
      }),
    );
  });

  it('shows a region whole, and less than a stored pixel more on each side', () => {
    fc.assert(
      fc.property(pictures, ({ source, stored, view }) => {
        const { region } = view;
        const found = new ScaledPicture(stored, source).storedView(view).region;
        if (region === undefined) {
          expect(found).toBeUndefined();
          return;
        }
        const [whole, small] = [turnedSize(source, view), turnedSize(stored, view)];
        const exact = (value: number, side: keyof Size) => (value * small[side]) / whole[side];
        const edges = [
          [exact(region.x, 'width'), found!.x],
          [exact(region.y, 'height'), found!.y],
          [found!.x + found!.width, exact(region.x + region.width, 'width')],
          [found!.y + found!.height, exact(region.y + region.height, 'height')],
        ] as const;
        for (const [larger, smaller] of edges) {
          expect(larger - smaller).toBeGreaterThanOrEqual(-1e-9);
          expect(larger - smaller).toBeLessThan(1);
        }
        expect(found!.x + found!.width).toBeLessThanOrEqual(small.width);
        expect(found!.y + found!.height).toBeLessThanOrEqual(small.height);
      }),
    );
  });

  it('brings the places of a quad back as well', () => {
    const picture = new ScaledPicture({ width: 320, height: 120 }, { width: 640, height: 480 });
    const quad: Quad = [
      { x: 100, y: 80 },
      { x: 300, y: 90 },
      { x: 310, y: 200 },
      { x: 90, y: 210 },
    ];
    expect(picture.storedView({ ...UPRIGHT, quad }).quad![2]).toEqual({ x: 155, y: 50 });
    const perspective = [1, 2, 3, 4, 5, 6, 0.1, 0.2, 1];
    const transform = { scaleX: 2, scaleY: 3, offsetX: 4, offsetY: 5 };
    const stored = { ...transform, perspective, source: { width: 320, height: 120 } };
    expect(picture.sourceTransform(stored, UPRIGHT)).toEqual({
      ...transform,
      perspective: [2, 4, 6, 16, 20, 24, 0.1, 0.2, 1],
      source: { width: 640, height: 480 },
    });
  });

  it('names a region outside of the picture in the pixels of the camera', () => {
    const picture = new ScaledPicture({ width: 320, height: 240 }, { width: 640, height: 480 });
    const region = { x: 600, y: 0, width: 41, height: 480 };
    expect(() => picture.storedView({ ...UPRIGHT, region })).toThrow(
      expect.objectContaining({
        code: 'FRAME_INVALID',
        message: expect.stringContaining('x 600, y 0, 41 x 480') as string,
      }) as Error,
    );
  });
});
