import { expect, test } from 'vitest';
import type { FrameView } from '../../../component/contract/frame.ts';
import type { PictureTensorData, TensorSpec } from '../../../component/contract/tensor.ts';
import {
  encodeJpeg,
  inspectImage,
  jpegToTensor,
  limitDataMemory,
  rawToTensor,
  type RawImage,
} from '../../../native/index.ts';

const IMAGE: RawImage = { data: new Uint8Array(48), width: 4, height: 4, format: 'rgb24' };
const VIEW: FrameView = { rotation: 0, flip: 'none' };
const SPEC: TensorSpec = {
  width: 2,
  height: 2,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'stretch',
  interpolation: 'bilinear',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 0,
};
const JPEG = encodeJpeg(IMAGE, 80);

const coded = (code: string) => expect.objectContaining({ name: 'VedetteError', code });

function detached(bytes: number): Uint8Array<ArrayBuffer> {
  const array = new Uint8Array(bytes);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

const wrongNumbers = [-1, 0, 1.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, 1e300];
const wrongTypes = [undefined, null, '4', true, {}, [], 4n, Symbol('4'), () => 4];

test('raw frames whose numbers do not fit together are refused', () => {
  const out = new Float32Array(12);
  const refused = (change: object) => {
    const image = { ...IMAGE, ...change } as RawImage;
    expect(() => rawToTensor(image, VIEW, SPEC, out), describe(change)).toThrow(
      coded('FRAME_INVALID'),
    );
    expect(() => encodeJpeg(image, 80), describe(change)).toThrow(coded('FRAME_INVALID'));
  };
  for (const value of [...wrongNumbers, ...wrongTypes]) {
    refused({ width: value });
    refused({ height: value });
    refused({ strides: [value] });
  }
  for (const format of ['rgb', 'RGB24', 'jpeg', ...wrongTypes]) refused({ format });
  for (const strides of [[11], [12, 12], [12, 12, 12, 12], [2 ** 52], [1e18], 'abc', 5, {}]) {
    refused({ strides });
  }
  for (const data of [
    new Uint8Array(47),
    new Uint8Array(0),
    detached(48),
    new ArrayBuffer(48),
    new DataView(new ArrayBuffer(48)),
    [...new Array<number>(48)],
    ...wrongTypes,
  ]) {
    refused({ data });
  }
  refused({ width: 65_535, height: 65_535 });
  for (const image of wrongTypes) {
    expect(() => rawToTensor(image as never, VIEW, SPEC, out)).toThrow(coded('FRAME_INVALID'));
  }
});

test('colours and levels that make no sense, or not for the format, are refused', () => {
  const refused = (format: RawImage['format'], change: object) => {
    const image = { ...IMAGE, data: new Uint8Array(64), format, ...change } as RawImage;
    const out = new Float32Array(12);
    expect(() => rawToTensor(image, VIEW, SPEC, out), describe(change)).toThrow(
      coded('FRAME_INVALID'),
    );
    expect(() => encodeJpeg(image, 80), describe(change)).toThrow(coded('FRAME_INVALID'));
  };
  const colour = { matrix: 'bt601', range: 'limited' };
  for (const value of ['bt2020', 'BT601', 0, ...wrongTypes]) {
    refused('nv12', { colour: { ...colour, matrix: value } });
    refused('nv12', { colour: { ...colour, range: value } });
  }
  for (const value of wrongTypes.slice(1)) {
    refused('nv12', { colour: value });
    refused('mono12', { levels: value });
  }
  for (const value of [...wrongNumbers.filter((n) => n !== 0), ...wrongTypes]) {
    refused('mono12', { levels: { black: value, white: 4095 } });
    if (value !== 2 ** 31) refused('mono12', { levels: { black: 0, white: value } });
  }
  for (const [black, white] of [
    [0, 0],
    [5, 5],
    [6, 5],
    [4095, 4096],
    [-1, 4],
  ]) {
    refused('mono12', { levels: { black, white } });
  }
  refused('mono10p', { levels: { black: 0, white: 1024 } });
  refused('mono16', { levels: { black: 0, white: 65_536 } });
  for (const format of ['rgb24', 'gray8', 'mono12', 'bayerrg8'] as const)
    refused(format, { colour });
  for (const format of ['rgb24', 'gray8', 'nv12', 'bayerrg8'] as const) {
    refused(format, { levels: { black: 0, white: 255 } });
  }
});

test('frames of too few bytes, and mosaics without a whole cell, are refused', () => {
  const bytes = {
    nv21: 24,
    uyvy: 32,
    rgba: 64,
    bgra: 64,
    mono10: 32,
    mono12: 32,
    mono16: 32,
    mono10p: 20,
    mono12p: 24,
    mono10packed: 24,
    mono12packed: 24,
    bayerrg8: 16,
  } as const;
  const out = new Float32Array(12);
  for (const [format, needed] of Object.entries(bytes) as [RawImage['format'], number][]) {
    const image = { ...IMAGE, format, data: new Uint8Array(needed) };
    rawToTensor(image, VIEW, SPEC, out);
    const short = { ...image, data: image.data.subarray(1) };
    expect(() => rawToTensor(short, VIEW, SPEC, out), format).toThrow(coded('FRAME_INVALID'));
  }
  for (const size of [{ width: 1 }, { height: 1 }]) {
    const image = { ...IMAGE, format: 'bayergb8', ...size } as const;
    expect(() => rawToTensor(image, VIEW, SPEC, out)).toThrow(coded('FRAME_INVALID'));
  }
});

test('views that are none, or whose region leaves the picture, are refused', () => {
  const out = new Float32Array(12);
  const region = { x: 0, y: 0, width: 4, height: 4 };
  const wrong: unknown[] = [
    ...wrongTypes.filter((value) => typeof value !== 'object' || value === null),
    { rotation: 45, flip: 'none' },
    { rotation: '90', flip: 'none' },
    { rotation: -90, flip: 'none' },
    { rotation: 0, flip: 'both' },
    { rotation: 0 },
    { ...VIEW, region: null },
    { ...VIEW, region: 7 },
    { ...VIEW, region: {} },
  ];
  for (const key of ['x', 'y', 'width', 'height']) {
    for (const value of [...wrongNumbers.filter((n) => n !== 0), ...wrongTypes, 5]) {
      wrong.push({ ...VIEW, region: { ...region, [key]: value } });
    }
  }
  wrong.push(
    { ...VIEW, region: { ...region, width: 0 } },
    { ...VIEW, region: { ...region, x: 1 } },
  );
  for (const view of wrong) {
    expect(() => rawToTensor(IMAGE, view as FrameView, SPEC, out), describe(view)).toThrow(
      coded('FRAME_INVALID'),
    );
    expect(() => jpegToTensor(JPEG, view as FrameView, SPEC, out, 100), describe(view)).toThrow(
      coded('FRAME_INVALID'),
    );
  }
});

test('tensor specifications that make no sense are refused', () => {
  const out = new Float32Array(12);
  const refused = (change: object, buffer: unknown = out) => {
    const spec = { ...SPEC, ...change } as TensorSpec;
    expect(() => rawToTensor(IMAGE, VIEW, spec, buffer as Float32Array), describe(change)).toThrow(
      coded('TENSOR_INVALID'),
    );
  };
  for (const value of [...wrongNumbers, ...wrongTypes]) {
    refused({ width: value });
    refused({ height: value });
  }
  for (const value of [NaN, Infinity, ...wrongTypes]) {
    refused({ scale: value });
    refused({ padValue: value });
    refused({ mean: [value, 0, 0] });
    refused({ std: [1, value, 1] });
  }
  refused({ std: [1, 0, 1] });
  refused({ padValue: -1 });
  refused({ padValue: 256 });
  for (const key of ['layout', 'dtype', 'colourOrder', 'resize', 'interpolation']) {
    for (const value of ['lanczos', 'float64', ...wrongTypes]) refused({ [key]: value });
  }
  for (const list of [[], [0], [0, 0], [0, 0, 0, 0], '000', 0, undefined]) refused({ mean: list });
  refused({ colourOrder: 'gray' });
  refused({ dtype: 'uint8', scale: 1 / 255 }, new Uint8Array(12));
  refused({ width: 65_535, height: 65_535 });
});

test('float16 values and quantisations that make no sense are refused', () => {
  const refused = (change: object, buffer: PictureTensorData) => {
    const spec = { ...SPEC, ...change } as TensorSpec;
    expect(() => rawToTensor(IMAGE, VIEW, spec, buffer), describe(change)).toThrow(
      coded('TENSOR_INVALID'),
    );
    expect(() => jpegToTensor(JPEG, VIEW, spec, buffer, 100), describe(change)).toThrow(
      coded('TENSOR_INVALID'),
    );
  };
  const halves = new Uint16Array(12);
  const quantisation = { scale: 1, zeroPoint: 0 };
  refused({ dtype: 'float16', scale: 257 }, halves);
  refused({ dtype: 'float16', mean: [0, 0, 70_000] }, halves);
  refused({ dtype: 'float16', std: [1, -1e-9, 1] }, halves);
  refused({ dtype: 'float16', quantisation }, halves);
  refused({ quantisation }, new Float32Array(12));
  refused({ dtype: 'int8' }, new Int8Array(12));
  for (const dtype of ['int8', 'uint8'] as const) {
    const buffer = dtype === 'int8' ? new Int8Array(12) : new Uint8Array(12);
    const wrong = (change: object) =>
      refused({ dtype, quantisation: { ...quantisation, ...change } }, buffer);
    for (const scale of [0, -0, -1, NaN, Infinity, -Infinity, 1e-320, 1e-40, 1e39, ...wrongTypes]) {
      wrong({ scale });
    }
    for (const zeroPoint of [0.5, NaN, Infinity, -129, 256, 2 ** 31, 1e300, ...wrongTypes]) {
      wrong({ zeroPoint });
    }
    wrong({ zeroPoint: dtype === 'int8' ? 128 : -1 });
    for (const other of wrongTypes.slice(1)) refused({ dtype, quantisation: other }, buffer);
  }
});

test('a buffer of another class than the dtype wants is refused, even of the same width', () => {
  const classes = [
    ...[Float32Array, Uint16Array, Int8Array, Uint8Array],
    ...[Uint8ClampedArray, Int16Array, Float16Array, Int32Array, Float64Array, BigInt64Array],
  ];
  const wanted = {
    float32: Float32Array,
    float16: Uint16Array,
    int8: Int8Array,
    uint8: Uint8Array,
  };
  for (const dtype of ['float32', 'float16', 'int8', 'uint8'] as const) {
    const spec: TensorSpec =
      dtype === 'int8'
        ? { ...SPEC, dtype, quantisation: { scale: 1, zeroPoint: 0 } }
        : { ...SPEC, dtype };
    for (const Class of classes) {
      const call = () => rawToTensor(IMAGE, VIEW, spec, new Class(48) as unknown as Uint8Array);
      if (Class === wanted[dtype]) call();
      else expect(call, `${dtype} in ${Class.name}`).toThrow(coded('TENSOR_INVALID'));
    }
  }
});

test('buffers that cannot hold the tensor are refused and not written', () => {
  const short = new Float32Array(11).fill(5);
  const wrong: unknown[] = [
    short,
    new Uint8Array(48),
    new Float64Array(12),
    new Float32Array(new ArrayBuffer(0)),
    (() => {
      const array = new Float32Array(12);
      structuredClone(array.buffer, { transfer: [array.buffer] });
      return array;
    })(),
    new ArrayBuffer(48),
    [],
    undefined,
  ];
  for (const out of wrong) {
    expect(() => rawToTensor(IMAGE, VIEW, SPEC, out as Float32Array)).toThrow(
      coded('TENSOR_INVALID'),
    );
    expect(() => jpegToTensor(JPEG, VIEW, SPEC, out as Float32Array, 100)).toThrow(
      coded('TENSOR_INVALID'),
    );
  }
  expect(short.every((value) => value === 5)).toBe(true);
});

test('a view into a larger buffer is written within its bounds only', () => {
  const memory = new Float32Array(20).fill(-1);
  const out = memory.subarray(4, 16);
  rawToTensor({ ...IMAGE, data: new Uint8Array(48).fill(9) }, VIEW, SPEC, out);
  expect([...memory.subarray(0, 4), ...memory.subarray(16)]).toEqual(new Array(8).fill(-1));
  expect(out.every((value) => value === 9)).toBe(true);
});

test('shared memory and views with an offset serve as sources', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(60)).subarray(12).fill(8);
  const out = new Float32Array(12);
  rawToTensor({ ...IMAGE, data: shared }, VIEW, SPEC, out);
  expect(out.every((value) => value === 8)).toBe(true);
});

test('encoded bytes that are none are refused', () => {
  const out = new Float32Array(12);
  for (const data of [...wrongTypes, new ArrayBuffer(9)]) {
    expect(() => inspectImage(data as Uint8Array)).toThrow(coded('FRAME_INVALID'));
    expect(() => jpegToTensor(data as Uint8Array, VIEW, SPEC, out, 100)).toThrow(
      coded('FRAME_INVALID'),
    );
  }
  expect(() => inspectImage(detached(500))).toThrow(coded('IMAGE_CORRUPT'));
  expect(() => jpegToTensor(detached(500), VIEW, SPEC, out, 100)).toThrow(coded('IMAGE_CORRUPT'));
  for (const maxPixels of [...wrongNumbers.slice(0, 6), ...wrongTypes]) {
    expect(() => jpegToTensor(JPEG, VIEW, SPEC, out, maxPixels as number)).toThrow(
      coded('FRAME_INVALID'),
    );
  }
});

test('quality and memory limits outside their range are refused', () => {
  for (const quality of [0, 101, 50.5, NaN, -5, ...wrongTypes]) {
    expect(() => encodeJpeg(IMAGE, quality as number)).toThrow(coded('FRAME_INVALID'));
  }
  for (const bytes of [0, -1, NaN, 1.5, ...wrongTypes]) {
    expect(() => limitDataMemory(bytes as number)).toThrow(coded('INTERNAL'));
  }
});

function describe(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    ['symbol', 'bigint', 'function', 'number'].includes(typeof part) ? String(part) : part,
  );
}
