import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { RawPixelFormat } from '../../../component/contract/frame.ts';
import type { Interpolation } from '../../../component/contract/tensor.ts';
import { rawToTensor } from '../../../native/index.ts';
import { byteSpec } from './byte-spec.ts';

interface Conversion {
  format: RawPixelFormat;
  width: number;
  height: number;
  data: string;
  rgb: string;
}

interface Golden {
  opencv: string;
  pillow: string;
  resizes: {
    kind: string;
    width: number;
    height: number;
    data: string;
    results: {
      by: 'opencv' | 'pillow';
      interpolation: Interpolation;
      width: number;
      height: number;
      data: string;
    }[];
  }[];
  conversions: Conversion[];
  mosaics: Conversion[];
  gray: { width: number; height: number; data: string; gray: string };
}

/** Written by golden/make_golden.py with the versions it names. */
const golden = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'golden', 'golden.json'), 'utf8'),
) as Golden;

const UPRIGHT = { rotation: 0, flip: 'none' } as const;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

function apart(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] as number))), 0);
}

for (const { kind, width, height, data, results } of golden.resizes) {
  for (const result of results) {
    const { by, interpolation } = result;
    // Pillow's rule is defined in whole numbers and followed to the bit; OpenCV's own kernels differ
    // among themselves by one level.
    const allowed = by === 'pillow' ? 0 : 1;
    const version = golden[by];
    test(`${interpolation} ${kind} ${width}×${height} → ${result.width}×${result.height} is within ${allowed} of ${by} ${version}`, () => {
      const out = new Uint8Array(result.width * result.height * 3);
      const spec = byteSpec(result.width, result.height, { interpolation });
      rawToTensor({ data: bytes(data), width, height, format: 'rgb24' }, UPRIGHT, spec, out);
      expect(apart(out, bytes(result.data))).toBeLessThanOrEqual(allowed);
    });
  }
}

for (const { format, width, height, data, rgb } of golden.conversions) {
  test(`${format} is converted within one grey level of OpenCV ${golden.opencv}`, () => {
    const out = new Uint8Array(width * height * 3);
    rawToTensor(
      { data: bytes(data), width, height, format },
      UPRIGHT,
      byteSpec(width, height),
      out,
    );
    expect(apart(out, bytes(rgb))).toBeLessThanOrEqual(1);
  });
}

for (const { format, width, height, data, rgb } of golden.mosaics) {
  test(`${format} ${width}×${height} is demosaiced to the bit as by OpenCV ${golden.opencv}`, () => {
    const out = new Uint8Array(width * height * 3);
    rawToTensor(
      { data: bytes(data), width, height, format },
      UPRIGHT,
      byteSpec(width, height),
      out,
    );
    expect(apart(out, bytes(rgb))).toBe(0);
  });
}

test(`gray is what OpenCV ${golden.opencv} makes of RGB`, () => {
  const { width, height, data, gray } = golden.gray;
  const spec = byteSpec(width, height, { colourOrder: 'gray', mean: [0], std: [1] });
  const out = new Uint8Array(width * height);
  rawToTensor({ data: bytes(data), width, height, format: 'rgb24' }, UPRIGHT, spec, out);
  expect(apart(out, bytes(gray))).toBeLessThanOrEqual(1);
});
