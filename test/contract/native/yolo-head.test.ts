import { expect, test } from 'vitest';
import type { TensorValue } from '../../../component/contract/tensor.ts';
import { halfToNumber } from '../../../component/decode/output-values.ts';
import type { YoloHead } from '../../../component/decode/yolo-head.ts';
import { YoloHeadReader, type KeptBoxes } from '../../../native/index.ts';
import { JavaScriptYoloDetections } from '../../bench/peers/javascript-yolo-detections.ts';
import { yoloScene } from '../../bench/yolo-scene.ts';
import { seededRandom } from '../../unit/decode/yolo-oracle.ts';

const RUNS = process.env['VEDETTE_DEEP'] === '1' ? 3000 : 150;
const labelsOf = (count: number) => Array.from({ length: count }, (_, index) => String(index));

interface Found {
  readonly corners: number[];
  readonly label: number;
  readonly score: number;
  readonly extras: number[];
}

function fromAddon({ count, rows, rowLength, labels }: KeptBoxes): Found[] {
  return Array.from({ length: count }, (_, place) => {
    const row = [...rows.subarray(place * rowLength, (place + 1) * rowLength)];
    const [corners, score, extras] = [row.slice(0, 4), row[4]!, row.slice(5)];
    return { corners, label: labels[place]!, score, extras };
  });
}

function fromJavaScript(
  tensor: TensorValue,
  head: YoloHead,
  thresholds: Float32Array,
  suppression: { iouThreshold: number; isAgnostic: boolean; limit: number },
): Found[] {
  const { iouThreshold, isAgnostic, limit } = suppression;
  const peer = new JavaScriptYoloDetections(head, {
    labels: labelsOf(head.classCount),
    scoreThreshold: 0,
    iouThreshold,
    isAgnostic,
    maxDetections: limit,
  });
  const { candidates, kept } = peer.read(tensor, thresholds);
  const values = tensor.data as Float32Array;
  const anchors = values.length / head.channels;
  const firstExtra = (head.hasObjectness ? 5 : 4) + head.classCount;
  return kept.map((place) => {
    const anchor = candidates.anchors[place]!;
    const at = (channel: number) =>
      head.layout === 'rows' ? anchor * head.channels + channel : channel * anchors + anchor;
    return {
      corners: [...candidates.corners.subarray(place * 4, place * 4 + 4)],
      label: candidates.classes[place]!,
      score: candidates.scores[place]!,
      extras: Array.from(
        { length: head.channels - firstExtra },
        (_, index) => values[at(firstExtra + index)]!,
      ),
    };
  });
}

test('the addon keeps the very boxes that plain JavaScript keeps', () => {
  const random = seededRandom(31);
  const below = (limit: number) => Math.floor(random() * limit);
  const reader = new YoloHeadReader();
  for (let run = 0; run < RUNS; run += 1) {
    const hasObjectness = random() < 0.5;
    const classCount = 1 + below(random() < 0.5 ? 5 : 90);
    const channels = (hasObjectness ? 5 : 4) + classCount + below(5);
    const layout = random() < 0.5 ? 'rows' : 'channels-first';
    const anchors = 1 + below(random() < 0.1 ? 6000 : 500);
    const head = { layout, hasObjectness, channels, classCount } as const;
    const isCoarse = random() < 0.5;
    const data = Float32Array.from({ length: channels * anchors }, (_, index) => {
      const channel = layout === 'rows' ? index % channels : Math.floor(index / anchors);
      const value = isCoarse ? below(8) / 8 : random() ** 3;
      return channel < 4 ? value * 200 : value === 0 && random() < 0.5 ? -0 : value;
    });
    const shape = layout === 'rows' ? [1, anchors, channels] : [1, channels, anchors];
    const tensor = { name: 'output0', dtype: 'float32', shape, data } as const;
    const thresholds = Float32Array.from({ length: classCount }, () => below(9) / 10);
    const suppression = {
      iouThreshold: below(11) / 10,
      isAgnostic: random() < 0.5,
      limit: 1 + below(4096),
    };
    const kept = reader.read(data, { ...head, anchors }, thresholds, suppression);
    expect(kept.fault).toBe(undefined);
    const expected = fromJavaScript(tensor, head, thresholds, suppression);
    expect(fromAddon(kept), `run ${run}: ${JSON.stringify({ head, suppression })}`).toEqual(
      expected,
    );
  }
});

test('a head of the usual size gives the same boxes, crowded or not', () => {
  const head = {
    layout: 'channels-first',
    hasObjectness: false,
    channels: 84,
    classCount: 80,
  } as const;
  const suppression = { iouThreshold: 0.7, isAgnostic: false, limit: 300 };
  const thresholds = new Float32Array(80).fill(0.25);
  for (const [objects, nearby] of [
    [0, 0],
    [3, 3],
    [40, 8],
    [400, 20],
  ] as const) {
    const tensor = yoloScene(objects, nearby, objects);
    const values = tensor.data as Float32Array;
    const kept = new YoloHeadReader().read(
      values,
      { ...head, anchors: 8400 },
      thresholds,
      suppression,
    );
    expect(fromAddon(kept)).toEqual(fromJavaScript(tensor, head, thresholds, suppression));
  }
});

test('halves give the boxes of the floats they stand for', () => {
  const random = seededRandom(8);
  const head = { layout: 'rows', hasObjectness: false, channels: 9, classCount: 3 } as const;
  const anchors = 700;
  // Sign 0, exponents from subnormal up to 0.5: scores.
  const halves = Uint16Array.from({ length: 9 * anchors }, () => Math.floor(random() * 0x3c00));
  const data = Float32Array.from(halves, halfToNumber);
  const thresholds = new Float32Array(3).fill(0.4);
  const suppression = { iouThreshold: 0.3, isAgnostic: true, limit: 100 };
  const whole = { ...head, anchors };
  const kept = new YoloHeadReader().read(halves, whole, thresholds, suppression);
  const tensor = { name: 'output0', dtype: 'float32', shape: [1, anchors, 9], data } as const;
  expect(kept.count).toBeGreaterThan(5);
  expect(fromAddon(kept)).toEqual(fromJavaScript(tensor, head, thresholds, suppression));
});
