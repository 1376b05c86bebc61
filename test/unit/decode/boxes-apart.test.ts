import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorDtype, TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import { requireScore } from '../../../component/decode/output-values.ts';
import { decoderOf, letterboxed, outputOf, refusalOf, squareSpec } from './decode-model.ts';
import { seededRandom } from './yolo-oracle.ts';

const labels = ['bolt', 'nut', 'pin'];

function tensor(
  name: string,
  shape: readonly number[],
  values: readonly number[],
  dtype: TensorDtype = 'float32',
): TensorValue {
  const data =
    dtype === 'int64' ? BigInt64Array.from(values.map(BigInt)) : Float32Array.from(values);
  return { name, dtype, shape, data };
}

function decode(settings: object, tensors: readonly TensorValue[], names = labels) {
  const output = modelOutputSchema.parse(settings);
  const decoder = createDecoder(output, tensors, { labels: names, spec: squareSpec });
  const outputs = new Map(tensors.map((one) => [one.name, one]));
  expect([...outputs.keys()]).toEqual(expect.arrayContaining([...decoder.outputNames(false)]));
  return decoder.decode(outputs, letterboxed).findings.detections!;
}

/** In the source (twice the size, 280 above): 200, 120, 100 × 80. */
const corners = [100, 200, 150, 240];
const box = { x: 200, y: 120, width: 100, height: 80 };

describe('boxes, labels and scores in outputs of their own', () => {
  test('as torchvision gives them, the exporter having numbered the outputs', () => {
    const found = decode({ decoder: 'labelled-boxes', firstLabel: 1 }, [
      tensor('2710', [3, 4], [...corners, ...corners, 0, 0, 9, 9]),
      tensor('2711', [3], [2, 3, 1], 'int64'),
      tensor('2712', [3], [0.6, 0.9, 0.1]),
    ]);
    expect(found).toEqual([
      { label: 'pin', labelIndex: 2, score: 0.9, box },
      { label: 'nut', labelIndex: 1, score: 0.6, box },
    ]);
  });

  test('as the Object Detection API gives them: y before x, in parts, with a count', () => {
    const parts = [200 / 640, 100 / 640, 240 / 640, 150 / 640];
    const found = decode(
      { decoder: 'labelled-boxes', boxFormat: 'yxyx', boxUnits: 'fraction', firstLabel: 1 },
      [
        tensor('detection_scores', [1, 3], [0.8, 0.7, 0.6]),
        tensor('num_detections', [1], [2]),
        tensor('detection_boxes', [1, 3, 4], [...parts, ...parts, ...parts]),
        // 0 is the background.
        tensor('detection_classes', [1, 3], [1, 0, 2]),
        tensor('raw_detection_boxes', [1, 3, 4], new Array<number>(12).fill(0)),
      ],
    );
    expect(found).toEqual([{ label: 'bolt', labelIndex: 0, score: 0.8, box }]);
  });

  test('in every format', () => {
    const values = {
      xyxy: corners,
      yxyx: [200, 100, 240, 150],
      xywh: [100, 200, 50, 40],
      cxcywh: [125, 220, 50, 40],
    };
    for (const [boxFormat, given] of Object.entries(values)) {
      const [found] = decode({ decoder: 'labelled-boxes', boxFormat }, [
        tensor('labels', [1, 1], [0], 'int64'),
        tensor('boxes', [1, 1, 4], given),
        tensor('scores', [1, 1], [0.5]),
      ]);
      expect(found!.box, boxFormat).toEqual(box);
    }
  });

  test('are refused with what does not fit together', () => {
    const boxes = tensor('boxes', [2, 4], [...corners, ...corners]);
    const classes = tensor('labels', [2], [0, 1], 'int64');
    const scores = tensor('scores', [2], [0.9, 0.8]);
    const refusal = (tensors: readonly TensorValue[], more: object = {}) =>
      refusalOf(() => decode({ decoder: 'labelled-boxes', ...more }, tensors));
    expect(refusal([boxes, classes])).toContain('MODEL_MISMATCH');
    expect(refusal([boxes, classes, scores], { boxes: 'dets' })).toContain("no output 'dets'");
    expect(refusal([boxes, classes, scores], { labels: 'scores', scores: 'labels' })).toContain(
      "'labels' cannot be scores",
    );
    const one = tensor('scores', [1], [0.9]);
    expect(refusal([boxes, classes, one])).toContain('OUTPUT_INVALID');
    const nan = tensor('boxes', [2, 4], [...corners, NaN, 1, 1, 1]);
    expect(refusal([nan, classes, scores])).toContain('NaN at element 4');
    const unknown = tensor('labels', [2], [0, 7], 'int64');
    expect(refusal([boxes, unknown, scores])).toContain('class index 7');
    expect(refusal([boxes, classes, scores], { boxUnits: 'fraction' })).toContain(
      'are they pixels',
    );
    const count = tensor('num_dets', [1], [3], 'int64');
    expect(refusal([boxes, classes, scores, count])).toContain('says 3 detections');
  });
});

describe('RT-DETR as Ultralytics exports it', () => {
  const output = { decoder: 'rt-detr' } as const;

  test('gives each query’s best class, boxes in parts of the input, and no suppression', () => {
    const rows = [
      [125 / 640, 220 / 640, 50 / 640, 40 / 640, 0.1, 0.7, 0.3],
      [125 / 640, 220 / 640, 50 / 640, 40 / 640, 0.8, 0.7, 0.1],
      [0.5, 0.5, 0.1, 0.1, 0.2, 0.1, 0.2],
    ];
    const decoder = decoderOf(output, [1, 3, 7], labels);
    const { detections } = decoder.decode(outputOf(rows.flat(), [1, 3, 7]), letterboxed).findings;
    expect(detections).toEqual([
      { label: 'bolt', labelIndex: 0, score: 0.8, box },
      { label: 'nut', labelIndex: 1, score: 0.7, box },
    ]);
    const pixels = outputOf([125, 220, 50, 40, 0.9, 0, 0], [1, 1, 7]);
    expect(refusalOf(() => decoder.decode(pixels, letterboxed))).toContain('are they pixels');
    const nan = outputOf([0.1, 0.1, NaN, 0.1, 0.9, 0, 0], [1, 1, 7]);
    expect(refusalOf(() => decoder.decode(nan, letterboxed))).toContain('NaN at element 2');
    expect(refusalOf(() => decoderOf(output, [1, 300, 84], labels))).toContain('MODEL_MISMATCH');
  });
});

type Corners = readonly [number, number, number, number];

/** Every pair of box and class by itself, greedily within each class. */
function oracle(
  boxes: readonly Corners[],
  scores: readonly (readonly number[])[],
  iouLimit: number,
) {
  const overlap = (a: Corners, b: Corners): number => {
    const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
    const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
    if (width <= 0 || height <= 0) return 0;
    const area = (of: Corners) => (of[2] - of[0]) * (of[3] - of[1]);
    return (width * height) / (area(a) + area(b) - width * height);
  };
  const all: { label: number; score: number; box: Corners }[] = [];
  for (const label of [1, 2]) {
    let rest = boxes
      .map((own, index) => ({ label, score: scores[index]![label]!, box: own }))
      .filter(({ score }) => score >= Math.fround(0.3))
      .sort((a, b) => b.score - a.score);
    while (rest.length > 0) {
      const best = rest[0]!;
      all.push(best);
      rest = rest.slice(1).filter((other) => overlap(best.box, other.box) <= iouLimit);
    }
  }
  return all.sort((a, b) => b.score - a.score);
}

describe('boxes with a score for each class (SSD)', () => {
  const settings = {
    decoder: 'scored-boxes',
    backgroundClass: 0,
    scoreThreshold: 0.3,
    iouThreshold: 0.45,
  } as const;

  test('give what suppression within each class leaves', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seededRandom(seed);
        const boxes = Array.from({ length: 40 }, (): Corners => {
          const [x, y] = [0.3 + random() * 0.2, 0.3 + random() * 0.2];
          const values = [x, y, x + 0.05 + random() * 0.1, y + 0.05 + random() * 0.1];
          return values.map(Math.fround) as unknown as Corners;
        });
        const scores = boxes.map(() => [0, 0, 0].map(() => Math.fround(random())));
        const found = decode(settings, [
          tensor('boxes', [1, 40, 4], boxes.flat()),
          tensor('scores', [1, 40, 3], scores.flat()),
        ]);
        const expected = oracle(boxes, scores, 0.45);
        expect(found.map(({ labelIndex, score }) => [labelIndex, score])).toEqual(
          expected.map(({ label, score }) => [label, Math.round(score * 1e6) / 1e6]),
        );
        found.forEach((one, index) => {
          expect(one.box.x).toBeCloseTo(expected[index]!.box[0] * 1280, 1);
          expect(one.box.y).toBeCloseTo(expected[index]!.box[1] * 1280 - 280, 1);
        });
      }),
      { numRuns: 50 },
    );
  });

  test('make scores of logits', () => {
    const boxes = tensor('boxes', [1, 1, 1, 4], [0.4, 0.4, 0.5, 0.5]);
    const logits = [2, 1, 0];
    const scores = tensor('confs', [1, 1, 3], logits);
    const all = { ...settings, backgroundClass: undefined, scoreThreshold: 0 };
    const found = (activation: string) =>
      new Map(
        decode({ ...all, activation }, [boxes, scores]).map(({ label, score }) => [label, score]),
      );
    const sum = logits.reduce((total, value) => total + Math.exp(value), 0);
    const softmax = found('softmax');
    const sigmoid = found('sigmoid');
    logits.forEach((value, index) => {
      expect(softmax.get(labels[index]!)).toBeCloseTo(Math.exp(value) / sum, 5);
      expect(sigmoid.get(labels[index]!)).toBeCloseTo(1 / (1 + Math.exp(-value)), 5);
    });
    expect(refusalOf(() => found('none'))).toContain('is a sigmoid missing');
  });

  test('make scores of logits however large, and refuse a score that is no number', () => {
    const boxes = tensor('boxes', [1, 1, 4], [0.4, 0.4, 0.5, 0.5]);
    const softmax = { ...settings, activation: 'softmax' } as const;
    const large = tensor('scores', [1, 1, 3], [-3e38, 800, 799]);
    const found = decode(softmax, [boxes, large]);
    expect(found.map(({ label }) => label)).toEqual(['nut']);
    expect(found[0]!.score).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
    expect(refusalOf(() => void requireScore(NaN, 'scores'))).toContain('OUTPUT_INVALID');
  });

  test('are refused when a side of one is beyond a float, and with it the others', () => {
    const absurd = { ...settings, boxUnits: 'pixels' } as const;
    const far = [-3e38, 0, 3e38, 10];
    for (const boxes of [[...far, ...corners], far]) {
      const count = boxes.length / 4;
      const scores = Array.from({ length: count }, () => [0, 0.9, 0]).flat();
      const given = [
        tensor('boxes', [1, count, 4], boxes),
        tensor('scores', [1, count, 3], scores),
      ];
      const refusal = refusalOf(() => decode(absurd, given));
      expect(refusal).toContain('OUTPUT_INVALID');
      expect(refusal).toContain("output 'boxes' holds a box around 0, 5 of Infinity by 10 pixels");
    }
  });

  test('drop each other whatever their class when they are agnostic', () => {
    const boxes = tensor('boxes', [1, 2, 4], [0.4, 0.4, 0.5, 0.5, 0.4, 0.4, 0.5, 0.5]);
    const scores = tensor('scores', [1, 2, 3], [0, 0.9, 0, 0, 0, 0.8]);
    expect(decode(settings, [boxes, scores])).toHaveLength(2);
    expect(decode({ ...settings, suppression: 'agnostic' }, [boxes, scores])).toMatchObject([
      { label: 'nut', score: 0.9 },
    ]);
  });

  test('are refused with what does not fit together', () => {
    const boxes = tensor('boxes', [1, 2, 4], [0, 0, 1, 1, 0, 0, 1, 1]);
    const scores = tensor('scores', [1, 2, 2], [0, 0.9, 0, 0]);
    expect(refusalOf(() => decode(settings, [boxes]))).toContain('MODEL_MISMATCH');
    expect(refusalOf(() => decode(settings, [boxes, scores]))).toContain(
      '3 labels for the 2 classes',
    );
    const few = tensor('scores', [1, 1, 3], [0, 0.9, 0]);
    expect(refusalOf(() => decode(settings, [boxes, few]))).toContain('one row for each box');
    const nan = tensor('scores', [1, 2, 3], [0, 0.9, 0, 0, NaN, 0]);
    expect(refusalOf(() => decode(settings, [boxes, nan]))).toContain('NaN at element 4');
  });
});

describe('Mask R-CNN', () => {
  const settings = { decoder: 'mask-rcnn' } as const;
  // A box of 80 × 40 in the input, 160 × 80 in the source at 480, 360.
  const rows = [
    tensor('boxes', [2, 4], [240, 320, 320, 360, 0, 200, 8, 208]),
    tensor('labels', [2], [1, 2], 'int64'),
    tensor('scores', [2], [0.9, 0.8]),
  ];
  const inside = (x: number, y: number) => ((x - 280) / 30) ** 2 + ((y - 340) / 15) ** 2 < 1;

  /** Distances of a polygon from the ellipse, in its own radii. */
  const radii = (polygon: readonly { x: number; y: number }[]) =>
    polygon.map(({ x, y }) => Math.hypot((x - 560) / 60, (y - 400) / 30));

  test('as torchvision exports it, with masks over the whole input', () => {
    const whole = Array.from({ length: 2 * 640 * 640 }, (_, index) =>
      index < 640 * 640 && inside((index % 640) + 0.5, Math.floor(index / 640) + 0.5) ? 0.9 : 0.1,
    );
    const found = decode(settings, [...rows, tensor('masks', [2, 1, 640, 640], whole)]);
    expect(found.map(({ label, mask }) => [label, mask!.polygons.length])).toEqual([
      ['nut', 1],
      ['pin', 0],
    ]);
    expect(found[0]!.box).toEqual({ x: 480, y: 360, width: 160, height: 80 });
    for (const radius of radii(found[0]!.mask!.polygons[0]!)) expect(radius).toBeCloseTo(1, 0.5);
  });

  test('as in ONNX’ model zoo, with masks of 28 × 28 over each box', () => {
    const small = Array.from({ length: 2 * 28 * 28 }, (_, index) => {
      if (index >= 28 * 28) return 0;
      const x = 240 + (((index % 28) + 0.5) / 28) * 80;
      const y = 320 + ((Math.floor(index / 28) + 0.5) / 28) * 40;
      return inside(x, y) ? 1 : 0;
    });
    const found = decode(settings, [...rows, tensor('masks', [2, 1, 28, 28], small)]);
    const [polygon] = found[0]!.mask!.polygons;
    for (const radius of radii(polygon!)) expect(Math.abs(radius - 1)).toBeLessThan(0.12);
    const area = Math.abs(
      polygon!.reduce((sum, point, index) => {
        const next = polygon![(index + 1) % polygon!.length]!;
        return sum + point.x * next.y - next.x * point.y;
      }, 0) / 2,
    );
    expect(area / (Math.PI * 60 * 30)).toBeGreaterThan(0.93);
    expect(area / (Math.PI * 60 * 30)).toBeLessThan(1.07);
  });

  test('has a full box where the mask is full, and nothing where it is empty', () => {
    const full = new Array<number>(25).fill(1);
    const masks = tensor('masks', [2, 5, 5], [...full, ...full.map(() => 0)]);
    const found = decode(settings, [...rows, masks]);
    const xs = found[0]!.mask!.polygons[0]!.map(({ x }) => x);
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([480, 640]);
    expect(found[1]!.mask!.polygons).toEqual([]);
  });

  test('is refused without masks, with too few, and with NaN in one', () => {
    expect(refusalOf(() => decode(settings, rows))).toContain('MODEL_MISMATCH');
    const one = tensor('masks', [1, 1, 4, 4], new Array<number>(16).fill(1));
    expect(refusalOf(() => decode(settings, [...rows, one]))).toContain('a mask for each box');
    const nan = tensor('masks', [2, 1, 4, 4], new Array<number>(32).fill(0).with(20, NaN));
    expect(refusalOf(() => decode(settings, [...rows, nan]))).toContain('NaN at element 20');
  });
});
