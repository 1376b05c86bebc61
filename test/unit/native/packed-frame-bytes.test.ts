import { expect, test } from 'vitest';
import { packedFrameBytes } from '../../../native/packed-frame-bytes.ts';

test('frames of odd size round their chroma up, as ffmpeg writes them', () => {
  const size = { width: 5, height: 3 };
  expect(packedFrameBytes('rgb24', size)).toBe(45);
  expect(packedFrameBytes('bgr24', size)).toBe(45);
  expect(packedFrameBytes('gray8', size)).toBe(15);
  expect(packedFrameBytes('nv12', size)).toBe(15 + 12);
  expect(packedFrameBytes('i420', size)).toBe(15 + 12);
  expect(packedFrameBytes('yuyv', size)).toBe(36);
  expect(packedFrameBytes('nv21', size)).toBe(15 + 12);
  expect(packedFrameBytes('uyvy', size)).toBe(36);
  expect(packedFrameBytes('rgba', size)).toBe(60);
  expect(packedFrameBytes('bgra', size)).toBe(60);
  expect(packedFrameBytes('nv12', { width: 1920, height: 1080 })).toBe(3_110_400);
});

test('frames of industrial cameras: packed ones run on from row to row', () => {
  const size = { width: 5, height: 3 };
  for (const format of ['bayerrg8', 'bayergb8', 'bayergr8', 'bayerbg8'] as const) {
    expect(packedFrameBytes(format, size)).toBe(15);
  }
  for (const format of ['mono10', 'mono12', 'mono16'] as const) {
    expect(packedFrameBytes(format, size)).toBe(30);
  }
  // 15 pixels of 10 bits, and of 12.
  expect(packedFrameBytes('mono10p', size)).toBe(19);
  expect(packedFrameBytes('mono12p', size)).toBe(23);
  expect(packedFrameBytes('mono10packed', size)).toBe(23);
  expect(packedFrameBytes('mono12packed', size)).toBe(23);
  expect(packedFrameBytes('mono12packed', { width: 1920, height: 1080 })).toBe(3_110_400);
});
