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
  expect(packedFrameBytes('nv12', { width: 1920, height: 1080 })).toBe(3_110_400);
});
