import { expect, test } from 'vitest';
import type { FrameView } from '../../../component/contract/frame.ts';
import { createTensorData, type TensorSpec } from '../../../component/contract/tensor.ts';
import { encodeJpeg, jpegToTensor, KeptTensor, rawToTensor } from '../../../native/index.ts';

const UPRIGHT: FrameView = { rotation: 0, flip: 'none' };
const SPEC: TensorSpec = {
  width: 20,
  height: 20,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'bilinear',
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};
const ELEMENTS = 20 * 20 * 3;

function picture(width: number, height: number) {
  const data = new Uint8Array(width * height * 3).map((_, i) => i * 7);
  return { data, width, height, format: 'rgb24' } as const;
}

function fresh(image: ReturnType<typeof picture>, spec: TensorSpec, view = UPRIGHT) {
  const out = createTensorData(spec).fill(77);
  rawToTensor(image, view, spec, out);
  return out;
}

test('bars are written when memory is first used, and then left as they are', () => {
  const kept = new KeptTensor(new Float32Array(ELEMENTS).fill(NaN));
  rawToTensor(picture(30, 10), UPRIGHT, SPEC, kept);
  expect(kept.data).toEqual(fresh(picture(30, 10), SPEC));
  // The middle of a bar, which no call looks at, shows who writes.
  kept.data[20 * 2 + 7] = 5;
  rawToTensor(picture(30, 10), UPRIGHT, SPEC, kept);
  expect(kept.data[20 * 2 + 7]).toBe(5);
  kept.forget();
  rawToTensor(picture(30, 10), UPRIGHT, SPEC, kept);
  expect(kept.data).toEqual(fresh(picture(30, 10), SPEC));
});

test('after any change of picture, view or tensor the memory is as if it were new', () => {
  const floats = new KeptTensor(new Float32Array(ELEMENTS).fill(NaN));
  const bytes = new KeptTensor(new Uint8Array(ELEMENTS));
  const halves = new KeptTensor(new Uint16Array(ELEMENTS).fill(77));
  const signed = new KeptTensor(new Int8Array(ELEMENTS).fill(77));
  const memories = { float32: floats, float16: halves, int8: signed, uint8: bytes };
  const pictures = [picture(30, 10), picture(10, 30), picture(20, 20), picture(31, 10)];
  const specs: TensorSpec[] = [
    SPEC,
    { ...SPEC, padValue: 0 },
    { ...SPEC, layout: 'nhwc' },
    { ...SPEC, resize: 'stretch' },
    { ...SPEC, resize: 'letterbox-top-left' },
    { ...SPEC, mean: [0.5, 0.4, 0.3] },
    { ...SPEC, width: 10, height: 40 },
    { ...SPEC, dtype: 'uint8', scale: 1 },
    { ...SPEC, dtype: 'uint8', scale: 1, layout: 'nhwc', padValue: 9 },
    { ...SPEC, dtype: 'uint8', quantisation: { scale: 1 / 255, zeroPoint: 3 } },
    { ...SPEC, dtype: 'float16' },
    { ...SPEC, dtype: 'float16', layout: 'nhwc', padValue: 13.5 },
    { ...SPEC, dtype: 'int8', quantisation: { scale: 1 / 255, zeroPoint: -128 } },
    { ...SPEC, dtype: 'int8', quantisation: { scale: 1 / 255, zeroPoint: -60 } },
    { ...SPEC, dtype: 'int8', quantisation: { scale: 1 / 99, zeroPoint: -128 }, layout: 'nhwc' },
  ];
  const views: FrameView[] = [UPRIGHT, { rotation: 90, flip: 'none' }];
  let state = 3;
  const oneOf = <T>(list: readonly T[]) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return list[(state >> 12) % list.length] as T;
  };
  for (let call = 0; call < 2_000; call++) {
    const [image, spec, view] = [oneOf(pictures), oneOf(specs), oneOf(views)];
    const kept = memories[spec.dtype];
    rawToTensor(image, view, spec, kept);
    expect(kept.data).toEqual(fresh(image, spec, view));
  }
});

test('memory that was cleared meanwhile is noticed', () => {
  for (const layout of ['nchw', 'nhwc'] as const) {
    const spec: TensorSpec = { ...SPEC, layout };
    for (const image of [picture(30, 10), picture(10, 30), picture(30, 29)]) {
      const kept = new KeptTensor(new Float32Array(ELEMENTS));
      rawToTensor(image, UPRIGHT, spec, kept);
      kept.data.fill(0);
      rawToTensor(image, UPRIGHT, spec, kept);
      expect(kept.data).toEqual(fresh(image, spec));
    }
  }
});

test('a call that was refused leaves no bars to rely on', () => {
  const kept = new KeptTensor(new Float32Array(ELEMENTS));
  rawToTensor(picture(30, 10), UPRIGHT, SPEC, kept);
  const outside = { ...UPRIGHT, region: { x: 25, y: 0, width: 10, height: 10 } };
  expect(() => rawToTensor(picture(30, 10), outside, SPEC, kept)).toThrow(/does not lie within/);
  kept.data[20 * 2 + 7] = 5;
  rawToTensor(picture(30, 10), UPRIGHT, SPEC, kept);
  expect(kept.data).toEqual(fresh(picture(30, 10), SPEC));
});

test('a JPEG keeps bars too', () => {
  const jpeg = encodeJpeg(picture(30, 10), 90);
  const kept = new KeptTensor(new Float32Array(ELEMENTS).fill(NaN));
  const plain = new Float32Array(ELEMENTS);
  jpegToTensor(jpeg, UPRIGHT, SPEC, plain, 1e6);
  for (let call = 0; call < 2; call++) {
    jpegToTensor(jpeg, UPRIGHT, SPEC, kept, 1e6);
    expect(kept.data).toEqual(plain);
  }
});

test('memory that was given away is refused', () => {
  const kept = new KeptTensor(new Float32Array(ELEMENTS));
  rawToTensor(picture(30, 10), UPRIGHT, SPEC, kept);
  structuredClone(kept.data.buffer, { transfer: [kept.data.buffer as ArrayBuffer] });
  expect(() => rawToTensor(picture(30, 10), UPRIGHT, SPEC, kept)).toThrow(
    expect.objectContaining({ code: 'TENSOR_INVALID' }),
  );
});
