import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  pythonLiteral,
  readModelMetadata,
} from '../../../component/inference/package/model-metadata.ts';

test('reads Python literals as Ultralytics writes them', () => {
  expect(pythonLiteral("{0: 'person', 1: \"dog's\", 2: 'a\\'b'}")).toEqual(
    new Map([
      [0, 'person'],
      [1, "dog's"],
      [2, "a'b"],
    ]),
  );
  expect(pythonLiteral('[640, 640]')).toEqual([640, 640]);
  expect(pythonLiteral("{'nms': True, 'half': False, 'x': None, 'iou': 0.7, 't': (1, 2)}")).toEqual(
    new Map<string, unknown>([
      ['nms', true],
      ['half', false],
      ['x', null],
      ['iou', 0.7],
      ['t', [1, 2]],
    ]),
  );
});

test('gives undefined for anything else, whatever it is', () => {
  for (const text of ['', '{', "{0: 'a'", '[1 2]', 'detect', '__import__("os")', '{0 1}', '1 2']) {
    expect(pythonLiteral(text), text).toBe(undefined);
  }
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from('{}[]()\'"\\:,10 aTrue')) }),
      (text) => void pythonLiteral(text),
    ),
  );
});

test('takes labels from Ultralytics or Model API, and only whole lists', () => {
  expect(readModelMetadata({ names: "{0: 'a', 1: 'b'}" }).labels).toEqual(['a', 'b']);
  expect(readModelMetadata({ names: "{0: 'a', 2: 'b'}" }).labels).toBe(undefined);
  expect(readModelMetadata({ 'model_info labels': 'person traffic_light' }).labels).toEqual([
    'person',
    'traffic_light',
  ]);
});

test('takes size and stride', () => {
  expect(readModelMetadata({ imgsz: '[480, 640]', stride: '32', task: 'detect' })).toEqual({
    inputSize: { width: 640, height: 480 },
    stride: 32,
    task: 'detect',
  });
  expect(readModelMetadata({ imgsz: '640' }).inputSize).toEqual({ width: 640, height: 640 });
  expect(readModelMetadata({ imgsz: '[0, -1]', stride: 'x' })).toEqual({});
});

test('takes what Ultralytics says of keypoints', () => {
  expect(
    readModelMetadata({ kpt_shape: '[4, 2]', kpt_names: "{0: ['a', 'b', 'c', 'd']}" }),
  ).toEqual({ keypointNames: ['a', 'b', 'c', 'd'], keypointDimensions: 2 });
  expect(readModelMetadata({ kpt_shape: '[4, 7]', kpt_names: '{0: [1, 2]}' })).toEqual({});
});

test('knows the model by the name that Ultralytics describes it by', () => {
  const of = (description: string) => readModelMetadata({ description }).architecture;
  expect(of('Ultralytics YOLOv10n model trained on coco.yaml')).toBe('yolo');
  expect(of('Ultralytics rtdetr-l model trained on /data/yolo-parts.yaml')).toBe('rt-detr');
  expect(of('Ultralytics best model ')).toBe(undefined);
  expect(of('a yolo')).toBe(undefined);
});
