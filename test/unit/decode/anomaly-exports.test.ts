import { describe, expect, test } from 'vitest';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';
import { refusalOf, squareSpec } from './decode-model.ts';

const spec = { ...squareSpec, width: 64, height: 64 };
const context: DecodeContext = {
  transform: { scaleX: 2, scaleY: 2, offsetX: 0, offsetY: 0, source: { width: 128, height: 128 } },
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: true,
};
/** As anomalib 1 writes them to metadata.json: raw distances. */
const normalisation = { imageThreshold: 20, imageScale: 40, pixelThreshold: 18, pixelScale: 36 };

const tensor = (name: string, shape: number[], values: ArrayLike<number>): TensorValue => ({
  name,
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});
/** 16×16: 5 everywhere, 27 in the square of cells 4 to 7. */
const map = (name: string, most = 27) =>
  tensor(
    name,
    [1, 1, 16, 16],
    Array.from({ length: 256 }, (_, index) => {
      const [x, y] = [index % 16, Math.floor(index / 16)];
      return x >= 4 && x < 8 && y >= 4 && y < 8 ? most : 5;
    }),
  );

function decode(tensors: readonly TensorValue[], settings: object = { normalisation }) {
  const output = modelOutputSchema.parse({ decoder: 'anomaly', ...settings });
  const decoder = createDecoder(output, tensors, { labels: [], spec });
  const wanted = new Set(decoder.outputNames(true));
  const outputs = new Map(
    tensors.filter(({ name }) => wanted.has(name)).map((one) => [one.name, one]),
  );
  return decoder.decode(outputs, context);
}

describe('anomaly models of other exports', () => {
  test('anomalib 1, map alone: the score is the map’s greatest value', () => {
    const { findings, anomalyMap } = decode([map('output')]);
    // (27 − 20) / 40 + 0.5.
    expect(findings.anomaly).toMatchObject({ score: 0.675, threshold: 0.5, isAnomalous: true });
    // 16 of 256 cells; in the source 8 pixels a cell.
    expect(findings.anomaly!.areaFraction).toBe(0.0625);
    const [area] = findings.anomaly!.areas!;
    const xs = area!.polygon.map(({ x }) => x);
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([32, 64]);
    // (27 − 18) / 36 + 0.5 = 0.75, and (5 − 18) / 36 + 0.5 = 0.139.
    expect(anomalyMap!.data[5 * 16 + 5]).toBe(Math.round(0.75 * 255));
    expect(anomalyMap!.data[0]).toBe(Math.round((0.5 - 13 / 36) * 255));
  });

  test('the threshold of the map is that of its normalised values', () => {
    // 0.75 is reached, 0.751 is not.
    const at = (mapThreshold: number) =>
      decode([map('output')], { normalisation, mapThreshold }).findings.anomaly!.areaFraction;
    expect(at(0.75)).toBe(0.0625);
    expect(at(0.751)).toBe(0);
    expect(at(0)).toBe(1);
  });

  test('anomalib 1, PatchCore: a map and a score whose name is a number', () => {
    const { findings } = decode([map('output'), tensor('1247', [1], [12])]);
    // (12 − 20) / 40 + 0.5.
    expect(findings.anomaly).toMatchObject({ score: 0.3, isAnomalous: false });
    expect(findings.anomaly!.areaFraction).toBe(0.0625);
  });

  test('anomalib 1, EfficientAD: of several maps the one that is called output', () => {
    const { findings } = decode([map('2044', 90), map('output'), map('2051', 90)]);
    expect(findings.anomaly!.score).toBe(0.675);
  });

  test('a score alone has no areas, and is cut to 0–1', () => {
    expect(decode([tensor('score', [1, 1], [500])]).findings.anomaly).toEqual({
      score: 1,
      threshold: 0.5,
      isAnomalous: true,
    });
    const named = decode([tensor('a', [1], [0.2]), tensor('b', [1], [0.9])], { score: 'b' });
    expect(named.findings.anomaly!.score).toBe(0.9);
  });

  test('are refused with values that want a normalisation, NaN, and other outputs', () => {
    expect(refusalOf(() => decode([map('output')], {}))).toMatch(
      /OUTPUT_INVALID.*score 27.*set output.normalisation/,
    );
    expect(refusalOf(() => decode([map('output', NaN)]))).toContain('NaN at element 68');
    expect(refusalOf(() => decode([map('output')], { map: 'maps' }))).toContain("no output 'maps'");
    const logits = tensor('logits', [1, 7], new Array<number>(7).fill(0));
    expect(refusalOf(() => decode([logits]))).toContain('MODEL_MISMATCH');
  });
});
