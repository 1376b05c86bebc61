/**
 * Every function that the addon exports is called with every wrong argument, one at a time, past the
 * TypeScript that stands before it. An export that is new, or gone, fails the first test.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../../component/contract/errors.ts';
import type { FrameView } from '../../../component/contract/frame.ts';
import type { TensorSpec } from '../../../component/contract/tensor.ts';
import type { Addon } from '../../../native/addon.ts';
import { encodeJpeg } from '../../../native/index.ts';
import type { RawImage } from '../../../native/raw-image.ts';
import { AddonRequest } from '../../../native/request.ts';
import { RING, writeFrame } from '../../../native/ring-numbers.ts';

const file = path.join(import.meta.dirname, '../../../build/Release/vedette.node');
const addon = createRequire(import.meta.url)(file) as Record<
  string,
  (...args: unknown[]) => unknown
>;
const typed = addon as unknown as Addon;

const IMAGE: RawImage = { data: new Uint8Array(48), width: 4, height: 4, format: 'rgb24' };
const VIEW: FrameView = { rotation: 0, flip: 'none', region: { x: 0, y: 0, width: 4, height: 4 } };
const SPEC: TensorSpec = {
  width: 2,
  height: 2,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'bilinear',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 0,
};
const JPEG = encodeJpeg(IMAGE, 80);

function request(): Float64Array {
  const all = new AddonRequest();
  all.setImage({ ...IMAGE, strides: [12] });
  all.setView(VIEW);
  all.setSpec(SPEC);
  all.setMaxPixels(1000);
  all.setQuality(80);
  return all.slots;
}

const rings: number[] = [];
function ring(): number {
  const numbers = new Float64Array(RING.length);
  numbers[RING.count] = 2;
  numbers[RING.byteLength] = 64;
  typed.ringCreate(numbers);
  rings.push(numbers[RING.token]!);
  return numbers[RING.token]!;
}

/** The numbers of a frame in slot 0, held by owner 1. */
function numbers(): Float64Array {
  const all = new Float64Array(RING.length);
  writeFrame(all, {
    format: 'gray8',
    width: 8,
    height: 8,
    byteLength: 64,
    strides: [8],
    sequence: 0,
    capturedAtMs: 1,
  });
  all[RING.owner] = 1;
  return all;
}

function writing(): number {
  const id = ring();
  typed.ringBeginWrite(id, new Float64Array(RING.length), false);
  return id;
}

function held(): [number, Float64Array] {
  const id = writing();
  typed.ringPublish(id, numbers());
  const lease = numbers();
  typed.ringTake(id, lease, true);
  return [id, lease];
}

function pipe() {
  return typed.pipeOpen(ring(), numbers(), false, false, () => undefined);
}

const threads = () => typed.threadsOpen(1, 4);
const pooled = () => {
  const token = new Float64Array(RING.length);
  const buffer = typed.poolAcquire(64, token);
  return [buffer, token[0]];
};

function yoloNumbers(): Float64Array {
  return Float64Array.of(0, 0, 7, 4, 2, 0.5, 0, 4, 0, 0, 0, 0, 0);
}

/** A grid of 4×4, looked at as a whole; two classes, two prototypes of 2×2. See native/areas.ts. */
function areaNumbers(): Float64Array {
  return Float64Array.of(4, 4, 0, 0, 4, 4, 1, 10, 0.5, 2, 65_535, 0, 2, 2, 2, 0, 0, 0);
}

interface Export {
  readonly good: () => readonly unknown[];
  /** Arguments that are taken for true or false, or passed over, whatever they are. */
  readonly takesAnything?: readonly number[];
  /** What is right although it stands among the wrong arguments. */
  readonly takes?: (value: unknown) => boolean;
  /** A number that may not be tried, because it would be obeyed. */
  readonly isObeyed?: (value: unknown) => boolean;
  readonly undo?: (result: unknown) => void;
  /** Why it is not called rightly: its arguments are wrong in two places, so that no try is obeyed. */
  readonly untried?: string;
}

function tile(): unknown[] {
  // x, y, width, height; then room for what is told of it, and no quad.
  const region = new Float64Array(16);
  region.set([0, 0, 4, 4]);
  return [request(), [new Float32Array(12)], [new Float64Array(13)], region];
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;

const TABLE: Record<keyof Addon, Export> = {
  kernelName: { good: () => [] },
  rawToTensor: { good: () => [IMAGE.data, request(), new Float32Array(12), new Float64Array(13)] },
  jpegToTensor: { good: () => [JPEG, request(), new Float32Array(12), new Float64Array(13)] },
  // A tile without bars has none to keep.
  rawToTiles: { good: () => [IMAGE.data, ...tile()], takes: isEmptyList },
  jpegToTiles: { good: () => [JPEG, ...tile()], takes: isEmptyList },
  inspectImage: { good: () => [JPEG, request()] },
  encodeJpeg: { good: () => [IMAGE.data, request()] },
  limitDataMemory: {
    good: () => [NaN],
    isObeyed: (value) => Number(value) >= 1,
    untried: 'it would end this process',
  },
  requireAravis: { good: () => [], untried: 'the library may be missing' },
  runGenicam: {
    good: () => [['camera', '', '', '', ''], new Float64Array(12).fill(NaN), () => undefined],
    untried: 'it would take over the signals of this process',
  },
  loadOnnxRuntime: {
    good: () => [
      path.join(
        import.meta.dirname,
        `../../../node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`,
      ),
    ],
  },
  readYoloHead: {
    good: () => [
      new Float32Array(28).fill(0.5),
      yoloNumbers(),
      new Float32Array(2),
      new Float32Array(24),
      new Int32Array(4),
    ],
  },
  maskAreas: { good: () => [new Uint8Array(16).fill(1), areaNumbers()] },
  mapAreas: { good: () => [new Float32Array(16).fill(0.7), areaNumbers()] },
  classAreas: { good: () => [new Float32Array(32).fill(0.7), areaNumbers()] },
  instanceMaskAreas: {
    good: () => [new Float32Array(8).fill(1), Float32Array.of(0, 0, 4, 4, 1, 1), areaNumbers()],
    // No boxes, no masks.
    takes: (value) => value instanceof Float32Array && value.length === 0,
  },
  // Of no values all are finite.
  isFinite: {
    good: () => [new Float32Array(5)],
    takes: (value) => value instanceof Float32Array,
  },
  ringCreate: { good: () => [Object.assign(numbers(), { [RING.count]: 2 })] },
  ringDescribe: { good: () => [ring(), numbers()] },
  ringMemory: { good: () => [ring()] },
  ringBeginWrite: { good: () => [ring(), numbers(), true], takesAnything: [2] },
  ringCancelWrite: { good: () => [writing(), numbers()] },
  ringPublish: { good: () => [writing(), numbers()] },
  // A ring that is gone has nothing to take: no error.
  ringTake: { good: () => [ring(), numbers(), true], takesAnything: [0, 2] },
  ringAfter: { good: () => [ring(), numbers()] },
  // A frame that is gone is copied nowhere, however large that is.
  ringCopy: { good: () => [ring(), numbers(), new Uint8Array(4096)], takesAnything: [2] },
  ringRetain: { good: held },
  ringRelease: { good: held },
  ringReclaim: { good: held },
  ringStatistics: { good: () => [ring(), numbers()] },
  // Closing what is closed, or never was, is no error.
  ringClose: { good: () => [ring()], takesAnything: [0] },
  poolAcquire: { good: () => [64, numbers()] },
  poolRelease: { good: pooled },
  poolStatistics: { good: () => [numbers()] },
  threadsOpen: {
    good: () => [1, 4],
    undo: (result) => typed.threadsClose(result as ReturnType<typeof threads>),
  },
  threadsRawToTensor: { good: () => [threads(), IMAGE.data, request()] },
  threadsJpegToTensor: { good: () => [threads(), JPEG, request()] },
  threadsClose: { good: () => [threads()], takesAnything: [0] },
  pipeOpen: {
    good: () => [ring(), numbers(), false, false, () => undefined],
    takesAnything: [2, 3],
    undo: (result) => typed.pipeClose(result as ReturnType<typeof pipe>, numbers()),
  },
  // A pipe that is closed has no descriptor (−1) and nothing to close.
  pipeWriteFd: { good: () => [pipe()], takesAnything: [0] },
  pipeCloseWriteEnd: { good: () => [pipe()], takesAnything: [0] },
  pipeClose: { good: () => [pipe(), numbers()], takesAnything: [0] },
};

const NUMBERS = [-1, 0, 0.5, 3, 255, 65_536, 2 ** 31, 2 ** 32 + 1, 2 ** 53, -(2 ** 63), 1e300];
const NO_NUMBERS = [NaN, Infinity, -Infinity];
const wrongTypes = (): unknown[] => [
  undefined,
  null,
  true,
  '4',
  4n,
  Symbol('4'),
  {},
  [],
  [1, 2, 3],
  () => 4,
  new Proxy({}, {}),
  new Date(0),
  { valueOf: () => 4, length: 4 },
  new DataView(new ArrayBuffer(64)),
];

/** Typed arrays whose memory is gone, out of reach, or of another kind than it seems. */
function wrongMemory(): unknown[] {
  const detached = [new Float64Array(64), new Uint8Array(64), new Float32Array(64)];
  for (const { buffer } of detached) structuredClone(buffer, { transfer: [buffer] });
  const shrunk = [Float64Array, Uint8Array, Float32Array, Int32Array].flatMap((Type) => {
    const buffer = new ArrayBuffer(512, { maxByteLength: 1024 });
    const views = [new Type(buffer), new Type(buffer, 64), new Type(buffer, 64, 48)];
    buffer.resize(0);
    return views;
  });
  const empty = [Float64Array, Uint8Array, Float32Array, Int32Array].map((Type) => new Type(0));
  return [...detached, ...shrunk, ...empty, new Float16Array(3), new BigInt64Array(1)];
}

/** Memory that may serve or not, but must not be read or written beyond its end. */
function oddMemory(): unknown[] {
  const growable = new ArrayBuffer(64, { maxByteLength: 4096 });
  return [
    new Uint8Array(new SharedArrayBuffer(64)),
    new Float64Array(new SharedArrayBuffer(512)),
    new Float32Array(new SharedArrayBuffer(64)),
    new Uint8Array(growable),
    new Uint8Array(7),
    new Float16Array(48),
    new Uint16Array(48),
    new BigUint64Array(16),
    new Float64Array(64).fill(NaN),
    new Float64Array(64).fill(1e300),
    new Float64Array(64).fill(-1),
    new Uint8ClampedArray(64),
    new ArrayBuffer(64),
    new SharedArrayBuffer(64),
  ];
}

/** What a call threw or rejected with; `undefined` when it did neither. */
async function faultOf(name: string, args: readonly unknown[]): Promise<unknown> {
  try {
    const result = addon[name]!(...args);
    TABLE[name as keyof Addon].undo?.(result);
    await result;
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

function expectCoded(fault: unknown, what: string): void {
  expect(fault, what).toBeInstanceOf(Error);
  const { code, message } = fault as { code?: string; message: string };
  expect(Object.keys(ERROR_CODES), `${what}: ${message}`).toContain(code);
  expect(message.length, what).toBeGreaterThan(8);
}

const show = (value: unknown) => Object.prototype.toString.call(value);

function closeRings(): void {
  for (const id of rings.splice(0)) typed.ringClose(id);
}

test('every export of the addon stands in the table, and is called rightly there', async () => {
  expect(Object.keys(addon).sort()).toEqual(Object.keys(TABLE).sort());
  for (const [name, { good, untried }] of Object.entries(TABLE)) {
    if (untried !== undefined) continue;
    expect(await faultOf(name, good()), name).toBeUndefined();
  }
  closeRings();
});

for (const [name, { good, takesAnything = [], takes, isObeyed }] of Object.entries(TABLE)) {
  test(`${name} survives what it should not get, and says so with a code`, async () => {
    const count = good().length;
    for (let position = 0; position < count; position++) {
      const isChecked = !takesAnything.includes(position);
      const isOptional = name.endsWith('ToTensor') && position === 3;
      const handles = [pipe(), threads()].filter(() => !isChecked || !/^(pipe|threads)/.test(name));
      for (const value of [...wrongTypes(), ...wrongMemory(), ...handles]) {
        const args: unknown[] = [...good()];
        const isNumber = typeof args[position] === 'number';
        if (value === undefined && isOptional) continue;
        if (typeof value === typeof args[position] && typeof value === 'function') continue;
        args[position] = value;
        const what = `${name}, argument ${position}: ${show(value)}${isNumber ? ' for a number' : ''}`;
        const fault = await faultOf(name, args);
        const isRefused = isChecked && takes?.(value) !== true;
        if (isRefused || fault !== undefined) expectCoded(fault, what);
      }
      for (const value of [...NUMBERS, ...NO_NUMBERS, ...oddMemory()]) {
        if (isObeyed?.(value)) continue;
        const args: unknown[] = [...good()];
        args[position] = value;
        const fault = await faultOf(name, args);
        if (fault !== undefined) {
          expectCoded(fault, `${name}, argument ${position}: ${show(value)} ${String(value)}`);
        }
      }
      closeRings();
    }
    for (let given = 0; given < count; given++) {
      const isEnough = Array.from({ length: count - given }, (_, index) => given + index).every(
        (position) =>
          takesAnything.includes(position) || (name.endsWith('ToTensor') && position === 3),
      );
      const fault = await faultOf(name, good().slice(0, given));
      if (!isEnough || fault !== undefined) expectCoded(fault, `${name} with ${given} arguments`);
    }
    closeRings();
  });

  test(`${name} survives any number in any place of its numbers`, async () => {
    const places = good().map((argument) =>
      argument instanceof Float64Array && argument.length > 8 ? argument.length : 0,
    );
    for (const [position, length] of places.entries()) {
      for (let index = 0; index < length; index++) {
        for (const value of [...NUMBERS, ...NO_NUMBERS]) {
          const args = good();
          (args[position] as Float64Array)[index] = value;
          const fault = await faultOf(name, args);
          if (fault !== undefined) expectCoded(fault, `${name}, number ${index} = ${value}`);
        }
        closeRings();
      }
    }
  });
}
