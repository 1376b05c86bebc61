import { ERROR_CODES, VedetteError, type ErrorCode } from '../component/contract/errors.ts';
import type { TensorMemory } from './kept-tensor.ts';

/** An opaque object of the addon. */
export type PipeHandle = object & { readonly __pipeHandle: never };

export type PipeReport = (
  published: number,
  overwritten: number,
  discarded: number,
  hasEnded: number,
  partialBytes: number,
  errno: number,
  /** What was read and refused; empty without. */
  fault: string,
) => void;

/** Scores (float32, or float16 as a Uint16Array) or class indices. */
export type ClassMapData = Float32Array | Uint16Array | Uint8Array | Int32Array | BigInt64Array;

export type ThreadsHandle = object & { readonly __threadsHandle: never };

/** A tensor in memory of the pool; `request` holds its transform. */
export interface AddonTensor {
  readonly buffer: ArrayBuffer;
  readonly token: number;
  readonly request: Float64Array;
}

/** What the addon exports. Numbers travel in Float64Arrays: see request.ts and ring-numbers.ts. */
export interface Addon {
  kernelName(): string;
  rawToTensor(
    data: Uint8Array,
    request: Float64Array,
    out: TensorMemory,
    bars: Float64Array | undefined,
  ): void;
  jpegToTensor(
    data: Uint8Array,
    request: Float64Array,
    out: TensorMemory,
    bars: Float64Array | undefined,
  ): void;
  rawToTiles(
    data: Uint8Array,
    request: Float64Array,
    outs: readonly TensorMemory[],
    bars: readonly (Float64Array | undefined)[],
    tiles: Float64Array,
  ): void;
  jpegToTiles(
    data: Uint8Array,
    request: Float64Array,
    outs: readonly TensorMemory[],
    bars: readonly (Float64Array | undefined)[],
    tiles: Float64Array,
  ): void;
  inspectImage(data: Uint8Array, request: Float64Array): void;
  encodeJpeg(data: Uint8Array, request: Float64Array): Uint8Array<ArrayBuffer>;
  limitDataMemory(bytes: number): void;
  loadOnnxRuntime(file: string): string;
  requireAravis(): void;
  runGenicam(
    texts: readonly string[],
    numbers: Float64Array,
    tell: (news: number, number: number) => void,
  ): void;

  readYoloHead(
    values: Float32Array | Uint16Array,
    numbers: Float64Array,
    thresholds: Float32Array,
    rows: Float32Array,
    labels: Int32Array,
  ): void;
  maskAreas(mask: Uint8Array, numbers: Float64Array): Int32Array;
  mapAreas(values: Float32Array | Uint16Array, numbers: Float64Array): Int32Array;
  classAreas(values: ClassMapData, numbers: Float64Array): Int32Array;
  instanceMaskAreas(
    prototypes: Float32Array | Uint16Array,
    boxes: Float32Array,
    numbers: Float64Array,
  ): Int32Array;
  isFinite(values: Float32Array): boolean;

  ringCreate(numbers: Float64Array): void;
  ringDescribe(id: number, numbers: Float64Array): void;
  ringMemory(id: number): ArrayBuffer;
  ringBeginWrite(id: number, numbers: Float64Array, mayOverwrite: boolean): void;
  ringCancelWrite(id: number, numbers: Float64Array): void;
  ringPublish(id: number, numbers: Float64Array): void;
  ringTake(id: number, numbers: Float64Array, newest: boolean): void;
  ringAfter(id: number, numbers: Float64Array): void;
  ringCopy(id: number, numbers: Float64Array, into: Uint8Array): void;
  ringRetain(id: number, numbers: Float64Array): void;
  ringRelease(id: number, numbers: Float64Array): void;
  ringReclaim(id: number, numbers: Float64Array): void;
  ringStatistics(id: number, numbers: Float64Array): void;
  ringClose(id: number): void;

  poolAcquire(byteLength: number, numbers: Float64Array): ArrayBuffer;
  poolRelease(buffer: ArrayBuffer, token: number): void;
  poolStatistics(numbers: Float64Array): void;

  threadsOpen(threads: number, maxQueued: number): ThreadsHandle;
  threadsRawToTensor(
    handle: ThreadsHandle,
    data: Uint8Array,
    request: Float64Array,
  ): Promise<AddonTensor>;
  threadsJpegToTensor(
    handle: ThreadsHandle,
    data: Uint8Array,
    request: Float64Array,
  ): Promise<AddonTensor>;
  threadsClose(handle: ThreadsHandle): void;

  pipeOpen(
    ringId: number,
    numbers: Float64Array,
    mayOverwrite: boolean,
    isY4m: boolean,
    report: PipeReport,
  ): PipeHandle;
  pipeWriteFd(handle: PipeHandle): number;
  pipeCloseWriteEnd(handle: PipeHandle): void;
  pipeClose(handle: PipeHandle, numbers: Float64Array): void;
}

let load: (() => Addon) | undefined;
let loaded: Addon | undefined;

/** Told once by index.ts, which alone knows the file, how to load the addon when it is first used. */
export function provideAddon(loader: () => Addon): void {
  load = loader;
}

/** The addon, loaded by the first call. @throws VedetteError ADDON_UNAVAILABLE */
export function loadAddon(): Addon {
  if (loaded === undefined) {
    if (load === undefined) throw new VedetteError('INTERNAL', 'native/index.ts is not imported');
    loaded = load();
  }
  return loaded;
}

/**
 * Runs a call into the addon. What it throws is a VedetteError with a code of the contract;
 * ADDON_UNAVAILABLE when the file cannot be loaded.
 */
export function callAddon<T>(action: (addon: Addon) => T): T {
  try {
    return action(loadAddon());
  } catch (thrown) {
    throw addonError(thrown);
  }
}

/** What the addon threw or rejected with, as a VedetteError. */
export function addonError(thrown: unknown): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  const code = (thrown as { code?: unknown } | undefined)?.code;
  const isKnown = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
  return VedetteError.from(thrown, isKnown ? (code as ErrorCode) : 'INTERNAL');
}
