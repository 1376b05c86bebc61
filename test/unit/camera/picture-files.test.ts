import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareNames, isPictureName } from '../../../component/camera/picture-files.ts';

describe('isPictureName', () => {
  it.each(['a.jpg', 'A.JPEG', 'b.png', 'c.webp', 'd.tif', 'e.TIFF', 'f.bmp', 'x.tmp.jpg'])(
    'takes %s',
    (name) => expect(isPictureName(name)).toBe(true),
  );
  it.each([
    '.a.jpg',
    '~a.jpg',
    'a.jpg~',
    'a.jpg.tmp',
    'a.jpg.part',
    'a.txt',
    'jpg',
    'expected.json',
  ])('leaves %s', (name) => expect(isPictureName(name)).toBe(false));
});

describe('compareNames', () => {
  it('counts as people do', () => {
    expect(['p10.jpg', 'p9.jpg', 'p1.jpg', 'P2.jpg'].sort(compareNames)).toEqual([
      'p1.jpg',
      'P2.jpg',
      'p9.jpg',
      'p10.jpg',
    ]);
  });

  it('is a total order', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(Math.sign(compareNames(a, b)) + Math.sign(compareNames(b, a))).toBe(0);
        expect(compareNames(a, b) === 0).toBe(a === b);
      }),
    );
  });
});
