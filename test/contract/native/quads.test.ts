import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { Box, Flip, Point, Quad, Rotation } from '../../../component/contract/frame.ts';
import {
  batchPlaces,
  encodeJpeg,
  jpegToTensor,
  jpegToTiles,
  rawToTensor,
  rawToTiles,
} from '../../../native/index.ts';
import { byteSpec } from './byte-spec.ts';
import { picture } from './random-picture.ts';
import { decodeStored } from './reference-pixels.ts';
import { cropSize, homography, lead, quadLevels } from './reference-quads.ts';
import { makeUpright } from './reference.ts';

const runs = process.env['VEDETTE_DEEP'] === '1' ? 10_000 : 600;
const UPRIGHT = { rotation: 0, flip: 'none' } as const;

/** Around a middle in or near the picture; corners bend by a right angle more or less. */
const shape = fc.record({
  x: fc.double({ min: -0.1, max: 1.1, noNaN: true }),
  y: fc.double({ min: -0.1, max: 1.1, noNaN: true }),
  turn: fc.double({ min: 0, max: 6.3, noNaN: true }),
  reaches: fc.array(fc.double({ min: 0.2, max: 0.9, noNaN: true }), { minLength: 4, maxLength: 4 }),
});

function quadOf(chosen: typeof shape extends fc.Arbitrary<infer T> ? T : never, size: Box): Quad {
  const { x, y, turn, reaches } = chosen;
  const radius = Math.max(size.width, size.height, 8);
  return reaches.map((reach, i) => ({
    x: x * size.width + reach * radius * Math.cos(turn + (i * Math.PI) / 2),
    y: y * size.height + reach * radius * Math.sin(turn + (i * Math.PI) / 2),
  })) as unknown as Quad;
}

test('a crop of a quad is within one grey level of the reference, for every format and turn', () => {
  let made = 0;
  fc.assert(
    fc.property(
      picture,
      shape,
      fc.constantFrom<Rotation>(0, 90, 180, 270),
      fc.constantFrom<Flip>('none', 'horizontal', 'vertical'),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (stored, chosen, rotation, flip, width, height) => {
        const upright = makeUpright(decodeStored(stored), { rotation, flip });
        const quad = quadOf(chosen, { x: 0, y: 0, ...upright });
        const out = new Uint8Array(width * height * 3);
        try {
          rawToTensor(stored, { rotation, flip, quad }, byteSpec(width, height), out);
        } catch (error) {
          expect((error as VedetteError).code).toBe('FRAME_INVALID');
          return;
        }
        made += 1;
        const want = quadLevels(upright, quad, { width, height });
        out.forEach((level, i) => {
          // Colour conversion may differ by a level before samples are mixed and rounded.
          expect(Math.abs(level - want[i]!)).toBeLessThanOrEqual(1.501);
        });
      },
    ),
    { numRuns: runs },
  );
  expect(made).toBeGreaterThan(runs / 3);
});

test('a transform with a perspective leads a place of the tensor back to the picture', () => {
  const quad: Quad = [
    { x: 12.5, y: 6.25 },
    { x: 55, y: 14 },
    { x: 48, y: 40 },
    { x: 8, y: 33 },
  ];
  const image = { format: 'gray8', width: 64, height: 48, data: new Uint8Array(64 * 48) } as const;
  const crop = cropSize(quad);
  const corners: Point[] = [
    { x: 0, y: 0 },
    { x: crop.width, y: 0 },
    { x: crop.width, y: crop.height },
    { x: 0, y: crop.height },
  ];
  const matrix = homography(corners, quad);
  for (const resize of ['stretch', 'letterbox', 'crop', 'line'] as const) {
    const spec = byteSpec(100, 20, { resize, colourOrder: 'gray', mean: [0], std: [1] });
    const out = new Uint8Array(100 * 20);
    const { perspective, ...back } = rawToTensor(image, { ...UPRIGHT, quad }, spec, out);
    const place = { x: 31 * back.scaleX + back.offsetX, y: 7 * back.scaleY + back.offsetY };
    const got = lead(perspective!, place);
    const want = lead(matrix, place);
    expect(got.x).toBeCloseTo(want.x, 6);
    expect(got.y).toBeCloseTo(want.y, 6);
    expect(back.source).toEqual({ width: 64, height: 48 });
  }
});

describe('a line', () => {
  const data = Uint8Array.from({ length: 30 * 10 }, (_, i) => i);
  const image = { format: 'gray8', width: 30, height: 10, data } as const;
  const spec = byteSpec(80, 20, {
    resize: 'line',
    layout: 'nchw',
    dtype: 'float32',
    colourOrder: 'gray',
    scale: 1 / 255,
    mean: [0.5],
    std: [0.5],
    padValue: 127.5,
  });

  test('fits the height, follows the width, and has zeros on its right', () => {
    const out = new Float32Array(80 * 20).fill(7);
    const { scaleX, scaleY, offsetX } = rawToTensor(image, UPRIGHT, spec, out);
    expect([scaleX, scaleY, offsetX]).toEqual([0.5, 0.5, 0]);
    const alone = new Float32Array(60 * 20);
    rawToTensor(image, UPRIGHT, { ...spec, width: 60, resize: 'stretch' }, alone);
    for (let y = 0; y < 20; y++) {
      expect([...out.subarray(y * 80, y * 80 + 60)]).toEqual([
        ...alone.subarray(y * 60, y * 60 + 60),
      ]);
      for (const value of out.subarray(y * 80 + 60, y * 80 + 80)) {
        expect(Math.abs(value)).toBeLessThan(1e-6);
      }
    }
  });

  test('is squeezed where it is longer than the tensor', () => {
    const out = new Float32Array(40 * 20);
    const { scaleX, scaleY } = rawToTensor(image, UPRIGHT, { ...spec, width: 40 }, out);
    expect([scaleX, scaleY]).toEqual([0.75, 0.5]);
  });

  test('rounds its width up, as PaddleOCR does', () => {
    const out = new Float32Array(80 * 7);
    // 30 × 7 ÷ 10 = 21 exactly; 31 would be 21.7, which is 22.
    const one = rawToTensor(image, UPRIGHT, { ...spec, height: 7 }, out);
    expect(one.scaleX).toBe(30 / 21);
    const wide = { ...image, width: 31, data: new Uint8Array(310) };
    expect(rawToTensor(wide, UPRIGHT, { ...spec, height: 7 }, out).scaleX).toBe(31 / 22);
  });
});

test('regions and quads of one JPEG are cut out together as one by one', () => {
  const data = Uint8Array.from({ length: 96 * 64 * 3 }, (_, i) => (i * 7) % 251);
  const jpeg = encodeJpeg({ format: 'rgb24', width: 96, height: 64, data }, 90);
  const region: Box = { x: 3, y: 5, width: 40, height: 20 };
  const quad: Quad = [
    { x: 30, y: 10 },
    { x: 90, y: 20 },
    { x: 85, y: 50 },
    { x: 25, y: 40 },
  ];
  const spec = byteSpec(32, 16);
  const batch = new Uint8Array(32 * 16 * 3 * 3);
  const views = [quad, region, quad];
  const places = batchPlaces(batch, spec);
  const transforms = jpegToTiles(jpeg, UPRIGHT, views, spec, places, 1e6);
  const alone = new Uint8Array(32 * 16 * 3);
  views.forEach((view, i) => {
    const look = 'x' in view ? { region: view } : { quad: view };
    const transform = jpegToTensor(jpeg, { ...UPRIGHT, ...look }, spec, alone, 1e6);
    expect(Buffer.compare(alone, batch.subarray(i * alone.length, (i + 1) * alone.length))).toBe(0);
    expect(transforms[i]).toEqual(transform);
  });
});

test('bad quads are refused with a code and a message that names what is wrong', () => {
  const image = { format: 'gray8', width: 64, height: 48, data: new Uint8Array(64 * 48) } as const;
  const spec = byteSpec(8, 8);
  const out = new Uint8Array(8 * 8 * 3);
  const refusal = (quad: unknown, extra = {}) => {
    try {
      rawToTensor(image, { ...UPRIGHT, quad: quad as Quad, ...extra }, spec, out);
    } catch (error) {
      return `${(error as VedetteError).code}: ${(error as VedetteError).message}`;
    }
    return 'nothing thrown';
  };
  const corner = (x: number, y: number) => ({ x, y });
  const good = [corner(1, 1), corner(9, 1), corner(9, 9), corner(1, 9)];
  expect(refusal(good)).toBe('nothing thrown');
  expect(refusal(good.toReversed())).toMatch(/FRAME_INVALID: .*clockwise/);
  expect(refusal(good.slice(1))).toMatch(/FRAME_INVALID: quad.*four corners/);
  expect(refusal('four')).toMatch(/FRAME_INVALID: quad/);
  expect(refusal([...good.slice(1), null])).toMatch(/FRAME_INVALID: quad\[3\]/);
  expect(refusal([...good.slice(1), { x: 1 }])).toMatch(/FRAME_INVALID: quad\[3\]\.y/);
  expect(refusal([...good.slice(1), corner(Infinity, 1)])).toMatch(/FRAME_INVALID/);
  expect(refusal(good.map(({ x, y }) => corner(x + 64, y)))).toMatch(/FRAME_INVALID: .*outside/);
  expect(refusal(good, { region: { x: 0, y: 0, width: 4, height: 4 } })).toMatch(
    /FRAME_INVALID: .*not both/,
  );
  expect(() =>
    rawToTiles(image, { ...UPRIGHT, quad: good as unknown as Quad }, [], spec, []),
  ).toThrow(VedetteError);
});

interface Golden {
  readonly opencv: string;
  readonly width: number;
  readonly height: number;
  readonly data: string;
  readonly crops: {
    readonly quad: [number, number][];
    readonly width: number;
    readonly height: number;
    readonly data: string;
  }[];
}

/** Written by golden/make_quads.py. */
const golden = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'golden', 'quads.json'), 'utf8'),
) as Golden;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

for (const [index, { quad, width, height, data }] of golden.crops.entries()) {
  test(`crop ${index} is within two grey levels of OpenCV ${golden.opencv}`, () => {
    const out = new Uint8Array(width * height * 3);
    const image = {
      format: 'rgb24',
      width: golden.width,
      height: golden.height,
      data: bytes(golden.data),
    } as const;
    const corners = quad.map(([x, y]) => ({ x, y })) as unknown as Quad;
    rawToTensor(image, { ...UPRIGHT, quad: corners }, byteSpec(width, height), out);
    const want = bytes(data);
    expect(out.length).toBe(want.length);
    expect(Math.max(...out.map((level, i) => Math.abs(level - want[i]!)))).toBeLessThanOrEqual(2);
  });
}
