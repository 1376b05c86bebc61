import { describe, expect, test } from 'vitest';
import { chainStepSchema } from '../../../component/contract/chain-config.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { Point, Quad } from '../../../component/contract/frame.ts';
import { canBeSeen, cropsOf, turnedView } from '../../../component/inference/chain/crop-views.ts';
import { rawToTensor } from '../../../native/index.ts';

const picture = { width: 400, height: 300 };
const step = (settings = {}) => chainStepSchema.parse({ model: 'm', input: 'find', ...settings });
const detection = (x: number, y: number, width: number, height: number, more = {}) => ({
  label: 'part',
  labelIndex: 0,
  score: 0.5,
  box: { x, y, width, height },
  ...more,
});
const rectangle = (x: number, y: number, width: number, height: number): Point[] => [
  { x, y },
  { x: x + width, y },
  { x: x + width, y: y + height },
  { x, y: y + height },
];
const viewsOf = (findings: object, settings = {}) =>
  cropsOf(findings as never, step(settings), WHOLE_FRAME, picture).crops.map(({ view }) => view);

describe('crops', () => {
  test('of boxes hold them in whole pixels', () => {
    expect(viewsOf({ detections: [detection(10.2, 20.7, 30, 40)] })).toEqual([
      { rotation: 0, flip: 'none', region: { x: 10, y: 20, width: 31, height: 41 } },
    ]);
  });

  test('grow by the margin, as far as the picture goes', () => {
    expect(viewsOf({ detections: [detection(10, 20, 100, 40)] }, { margin: 0.2 })).toEqual([
      { rotation: 0, flip: 'none', region: { x: 0, y: 12, width: 130, height: 56 } },
    ]);
    const [grown] = viewsOf(
      { text: [{ score: 1, polygon: rectangle(50, 60, 100, 20) }] },
      { margin: 0.1 },
    );
    expect(grown!.quad).toEqual(rectangle(40, 58, 120, 24));
  });

  test('of lines and oriented boxes are quads', () => {
    const polygon = rectangle(50, 60, 100, 20);
    const orientedBox = { x: 0, y: 0, width: 1, height: 1, angleDegrees: 0, polygon };
    expect(viewsOf({ text: [{ score: 1, polygon }] })).toMatchObject([{ quad: polygon }]);
    expect(viewsOf({ detections: [detection(0, 0, 90, 90, { orientedBox })] })).toMatchObject([
      { quad: polygon },
    ]);
  });

  test('of lines that stand are laid on their side, as PaddleOCR does', () => {
    const [a, b, c, d] = rectangle(50, 60, 20, 100);
    expect(viewsOf({ text: [{ score: 1, polygon: [a, b, c, d] }] })).toMatchObject([
      { quad: [b, c, d, a] },
    ]);
  });

  test('are made of the labels and scores that are asked for', () => {
    const detections = [
      detection(0, 0, 50, 50, { label: 'a', score: 0.9 }),
      detection(0, 0, 50, 50, { label: 'b', score: 0.9 }),
      detection(0, 0, 50, 50, { label: 'a', score: 0.2 }),
    ];
    const count = (settings: object) => viewsOf({ detections }, settings).length;
    expect(count({})).toBe(3);
    expect(count({ labels: { a: true, b: false } })).toBe(2);
    expect(count({ labels: { a: true }, minScore: 0.5 })).toBe(1);
    expect(count({ maxScore: 0.5 })).toBe(1);
    // Those are not left out: they were not asked for.
    const { leftOut } = cropsOf(
      { detections },
      step({ labels: { a: true } }),
      WHOLE_FRAME,
      picture,
    );
    expect(leftOut).toBe(0);
  });

  test('leave out what is small, outside or no area, and count it', () => {
    const text = [
      { score: 1, polygon: rectangle(500, 60, 100, 20) },
      { score: 1, polygon: rectangle(50, 60, 100, 3) },
      { score: 1, polygon: rectangle(50, 60, 100, 20).toReversed() },
      { score: 1, polygon: rectangle(50, 60, 100, 20) },
    ];
    const { crops, leftOut } = cropsOf({ text }, step(), WHOLE_FRAME, picture);
    expect([crops.length, leftOut]).toEqual([1, 3]);
  });

  test('are the best by score when there are too many, in their order', () => {
    const detections = [0.3, 0.9, 0.5, 0.7].map((score) => detection(1, 1, 20, 20, { score }));
    const { crops, leftOut } = cropsOf({ detections }, step({ maxCrops: 2 }), WHOLE_FRAME, picture);
    expect(crops.map(({ owner }) => owner.score)).toEqual([0.9, 0.7]);
    expect(leftOut).toBe(2);
  });

  test('upside down begin at the other end', () => {
    const region = { x: 10, y: 20, width: 30, height: 40 };
    const [a, b, c, d] = rectangle(10, 20, 30, 40);
    expect(turnedView({ ...WHOLE_FRAME, region })).toEqual({ ...WHOLE_FRAME, quad: [c, d, a, b] });
    const quad = [a, b, c, d] as unknown as Quad;
    expect(turnedView({ ...WHOLE_FRAME, quad })).toEqual({ ...WHOLE_FRAME, quad: [c, d, a, b] });
  });
});

test('what is said to be seen is what the addon takes', () => {
  const image = { format: 'gray8', ...picture, data: new Uint8Array(400 * 300) } as const;
  const spec = {
    width: 4,
    height: 4,
    layout: 'nchw',
    dtype: 'uint8',
    colourOrder: 'gray',
    resize: 'stretch',
    interpolation: 'bilinear',
    scale: 1,
    mean: [0],
    std: [1],
    padValue: 0,
  } as const;
  let state = 11;
  const random = () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
  const isTakenBy = (quad: Quad): boolean => {
    try {
      rawToTensor(image, { ...WHOLE_FRAME, quad }, spec, new Uint8Array(16));
      return true;
    } catch {
      return false;
    }
  };
  for (const far of [1e6, 1_000_001, 3e38]) {
    const quad = rectangle(-10, -20, far + 10, 320) as unknown as Quad;
    expect(canBeSeen(quad, picture), String(far)).toBe(far === 1e6);
    expect(isTakenBy(quad), String(far)).toBe(far === 1e6);
  }
  let seen = 0;
  for (let run = 0; run < 4000; run++) {
    const [x, y, turn] = [random() * 440 - 20, random() * 340 - 20, random() * 6];
    const quad = [0, 1, 2, 3].map((i) => {
      const reach = random() * random() * 30;
      const angle = turn + (i + random() * 0.4) * (Math.PI / 2);
      return { x: x + reach * Math.cos(angle), y: y + reach * Math.sin(angle) };
    }) as unknown as Quad;
    const isTaken = isTakenBy(quad);
    // A crop that the addon would refuse must never be sent.
    if (canBeSeen(quad, picture)) expect(isTaken).toBe(true);
    else expect(isTaken).toBe(false);
    if (isTaken) seen += 1;
  }
  expect(seen).toBeGreaterThan(500);
});
