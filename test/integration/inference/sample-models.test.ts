import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { FrameDescription } from '../../../component/contract/frame.ts';
import type { InferenceAnswer, InferenceRequest } from '../../../component/contract/ports.ts';
import { intersectionOverUnion } from '../../../component/contract/box-overlap.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { FrameRing } from '../../../native/index.ts';
import { modelConfig } from '../../support/model-packages.ts';

const samples = join(import.meta.dirname, '../../../samples');

type Street = Record<
  string,
  {
    detections: {
      label: string;
      score: number;
      box: InferenceAnswer['picture'] & { x: number; y: number };
    }[];
  }
>;
type Brick = Record<
  string,
  { pred_score: number; is_anomalous: boolean; anomalous_area_fraction: number }
>;

function host(name: string, variant?: string): ModelHost {
  return new ModelHost({
    name,
    config: modelConfig(join(samples, 'models', name), { variant }),
    maxImagePixels: 10_000_000,
    trust: { isTrusted: () => Promise.resolve(true), record: () => Promise.resolve() },
    onChange: () => undefined,
    onFault: () => undefined,
  });
}

const request = (image: InferenceRequest['image']): InferenceRequest => ({
  image,
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
});

const read = async (folder: string, name: string) =>
  new Uint8Array(await readFile(join(samples, 'images', folder, name)));
const expected = async <T>(folder: string): Promise<T> =>
  JSON.parse(await readFile(join(samples, 'images', folder, 'expected.json'), 'utf8')) as T;

describe('the sample models', () => {
  const detector = host('coco-detector');
  const bricks = host('brick-anomaly');
  beforeAll(async () => {
    await Promise.all([detector.start(), bricks.start()]);
  });
  afterAll(async () => {
    await Promise.all([detector.close(4000), bricks.close(4000)]);
  });

  test('coco-detector finds what is expected in every street picture, and nothing else', async () => {
    for (const [name, { detections }] of Object.entries(await expected<Street>('street'))) {
      const data = await read('street', name);
      const { findings } = await detector.infer(request({ kind: 'encoded', data }));
      const rest = new Set(findings.detections);
      for (const wanted of detections) {
        const match = [...rest].find(
          ({ label, score, box }) =>
            label === wanted.label &&
            Math.abs(score - wanted.score) <= 0.05 &&
            intersectionOverUnion(box, wanted.box) >= 0.9,
        );
        if (match) rest.delete(match);
        else expect(wanted.score, `${name}: ${wanted.label}`).toBeLessThan(0.4);
      }
      for (const { score, label } of rest) {
        expect(score, `${name}: extra ${label}`).toBeLessThanOrEqual(0.45);
      }
    }
  });

  test('brick-anomaly gives the expected score, verdict and area for every surface', async () => {
    for (const [name, wanted] of Object.entries(await expected<Brick>('brick'))) {
      const data = await read('brick', name);
      const { findings } = await bricks.infer(request({ kind: 'encoded', data }));
      const anomaly = findings.anomaly!;
      expect(Math.abs(anomaly.score - wanted.pred_score), name).toBeLessThanOrEqual(0.03);
      expect(anomaly.isAnomalous, name).toBe(wanted.is_anomalous);
      expect(Math.abs(anomaly.areaFraction! - wanted.anomalous_area_fraction), name).toBeLessThan(
        0.005,
      );
      expect(anomaly.areas!.length > 0).toBe(wanted.is_anomalous);
    }
  });

  test('judge a picture in a slot as they judge its bytes', async () => {
    const data = await read('street', 'walkway-00.jpg');
    const ring = FrameRing.create({ slots: 3, slotBytes: 1_000_000 });
    const { slot } = ring.beginWrite(false)!;
    ring.bytes(slot).set(data);
    const frame: FrameDescription = {
      format: 'jpeg',
      width: 768,
      height: 576,
      byteLength: data.byteLength,
      sequence: 0,
      capturedAtMs: 0,
    };
    ring.publish(slot, frame);
    const lease = ring.takeOldest(1)!;
    const fromSlot = await detector.infer(request({ kind: 'frame', frame: lease }));
    const fromBytes = await detector.infer(request({ kind: 'encoded', data }));
    expect(fromSlot.findings).toEqual(fromBytes.findings);
    expect(fromSlot.picture).toEqual({ width: 768, height: 576 });
    expect(ring.statistics().held).toBe(1);
    ring.release(lease);
    expect(ring.statistics().held).toBe(0);
    ring.close();
  });

  test('name the model that answered and time its stages', async () => {
    const data = await read('brick', 'good-00.png');
    const answer = await bricks.infer(request({ kind: 'encoded', data }));
    expect(answer.model).toEqual({
      name: 'brick-anomaly',
      version: '1.0.0',
      sha256: bricks.package!.sha256,
      variant: 'fp32',
      executionProvider: 'cpu',
    });
    for (const stage of ['queueMs', 'preprocessMs', 'runMs', 'decodeMs'] as const) {
      expect(answer.timings[stage]).toBeGreaterThanOrEqual(0);
    }
    expect(answer.anomalyMap).toBe(undefined);
  });

  test('give the anomaly map for drawing when it is asked for', async () => {
    const data = await read('brick', 'defect-00.png');
    const answer = await bricks.infer({
      ...request({ kind: 'encoded', data }),
      wantsAnomalyMap: true,
    });
    expect(answer.anomalyMap).toMatchObject({
      width: 128,
      height: 128,
      region: { x: 0, y: 0, width: 256, height: 256 },
    });
    expect(Math.max(...answer.anomalyMap!.data)).toBeGreaterThan(150);
  });

  test('give the raw outputs of a picture, and of tensors', async () => {
    const data = await read('brick', 'defect-00.png');
    const answer = await bricks.inferPictureTensors(data);
    expect(answer.outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual([
      { name: 'pred_score', dtype: 'float32', shape: [1, 1] },
      { name: 'pred_label', dtype: 'bool', shape: [1, 1] },
      { name: 'anomaly_map', dtype: 'float32', shape: [1, 1, 256, 256] },
      { name: 'pred_mask', dtype: 'bool', shape: [1, 1, 256, 256] },
    ]);
    const pixels = new Float32Array(2 * 3 * 256 * 256).fill(0.5);
    const two = await bricks.inferTensors({
      inputs: [{ name: 'input', dtype: 'float32', shape: [2, 3, 256, 256], data: pixels }],
      outputs: ['pred_score'],
    });
    expect(two.outputs.map(({ shape }) => shape)).toEqual([[2, 1]]);
  });

  test('the int8 variant runs too', async () => {
    const int8 = host('coco-detector', 'int8');
    await int8.start();
    const data = await read('street', 'walkway-00.jpg');
    const { findings, model } = await int8.infer(request({ kind: 'encoded', data }));
    expect(model.variant).toBe('int8');
    expect(findings.detections!.filter(({ label }) => label === 'person').length).toBeGreaterThan(
      2,
    );
    await int8.close(4000);
  });
});
