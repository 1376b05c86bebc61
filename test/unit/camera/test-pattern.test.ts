import { describe, expect, it } from 'vitest';
import { PATTERN_BARS, patternUnit, TestPattern } from '../../../component/camera/test-pattern.ts';

/** Reads the number from the middle of each field. */
function numberIn(bytes: Uint8Array, width: number): number {
  let number = 0;
  for (let bit = 0; bit < 32; bit += 1) {
    const x = bit * Math.floor(width / 32) + Math.floor(width / 64);
    number = number * 2 + (bytes[x * 3]! > 127 ? 1 : 0);
  }
  return number;
}

describe('the test pattern', () => {
  it.each([0, 1, 2, 1023, 1024, 0x80000001, 0xffffffff])('says that it is frame %i', (sequence) => {
    const pattern = new TestPattern({ width: 320, height: 240 });
    const bytes = new Uint8Array(pattern.byteLength).fill(77);
    pattern.draw(bytes, sequence);
    expect(numberIn(bytes, 320)).toBe(sequence);
  });

  it.each([
    { width: 64, height: 48 },
    { width: 641, height: 481 },
  ])('has the same bars in every frame and a square that moves (%o)', (size) => {
    const pattern = new TestPattern(size);
    const bytes = new Uint8Array(pattern.byteLength);
    const unit = patternUnit(size);
    const at = (x: number, y: number) => [
      ...bytes.subarray((y * size.width + x) * 3).subarray(0, 3),
    ];
    for (let sequence = 0; sequence < 2 * size.width; sequence += 7) {
      pattern.draw(bytes, sequence);
      const middles = PATTERN_BARS.map((_, bar) =>
        at(Math.floor(((bar + 0.5) * size.width) / 8), 20),
      );
      if (size.height > 100)
        middles.splice(
          0,
          8,
          ...PATTERN_BARS.map((_, bar) => at(Math.floor(((bar + 0.5) * size.width) / 8), 200)),
        );
      expect(middles).toEqual(PATTERN_BARS.map((bar) => [...bar]));
      const left = sequence % (size.width - unit + 1);
      expect(at(left, size.height - 1)).toEqual([128, 128, 128]);
      expect(at(left + unit - 1, size.height - unit)).toEqual([128, 128, 128]);
    }
  });
});
