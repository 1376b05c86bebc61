/**
 * The one file that loads the addon. Everything here is synchronous, meant for worker threads;
 * every failure is a VedetteError.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { ERROR_CODES, VedetteError, type ErrorCode } from '../component/contract/errors.ts';
import {
  ENCODED_FORMATS,
  type EncodedFormat,
  type Flip,
  type FrameDescription,
  type FrameLease,
  type FrameView,
  type Rotation,
  type Size,
} from '../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../component/contract/tensor.ts';
import { AddonRequest, type RawImage } from './request.ts';

export type { RawImage } from './request.ts';

interface Addon {
  rawToTensor(data: Uint8Array, request: Float64Array, out: Float32Array | Uint8Array): void;
  jpegToTensor(data: Uint8Array, request: Float64Array, out: Float32Array | Uint8Array): void;
  inspectImage(data: Uint8Array, request: Float64Array): void;
  encodeJpeg(data: Uint8Array, request: Float64Array): Uint8Array<ArrayBuffer>;
  limitDataMemory(bytes: number): void;
}

let loaded: Addon | undefined;

function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  const file = path.join(import.meta.dirname, '..', 'build', 'Release', 'vedette.node');
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VedetteError('ADDON_UNAVAILABLE', `${file} could not be loaded: ${reason}`, {
      cause,
      details: { file },
    });
  }
}

/** Runs a call into the addon; what it throws carries a code of the contract. */
function call<T>(action: (addon: Addon) => T): T {
  try {
    return action(addon());
  } catch (thrown) {
    if (thrown instanceof VedetteError) throw thrown;
    const code = (thrown as { code?: unknown }).code;
    const isKnown = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
    throw VedetteError.from(thrown, isKnown ? (code as ErrorCode) : 'INTERNAL');
  }
}

const request = new AddonRequest();

export interface ImageInfo extends Size {
  readonly format: EncodedFormat;
  /** EXIF orientation as turn and mirror that make the picture upright. */
  readonly rotation: Rotation;
  readonly flip: Flip;
}

/**
 * Format, stored size (before turning) and orientation of an encoded picture, from its header alone.
 * Only the bytes decide, never a file name.
 * @throws VedetteError IMAGE_CORRUPT (empty, or the header is cut short), IMAGE_FORMAT_UNSUPPORTED
 */
export function inspectImage(data: Uint8Array): ImageInfo {
  call((native) => native.inspectImage(data, request.slots));
  return {
    format: ENCODED_FORMATS[request.result(0)] as EncodedFormat,
    width: request.result(1),
    height: request.result(2),
    rotation: (request.result(3) * 90) as Rotation,
    flip: request.result(4) === 1 ? 'horizontal' : 'none',
  };
}

/**
 * Raw pixels to a tensor in one call: colour, turn, region, resize, normalise, layout.
 * `out` has the dtype of `spec` and at least `tensorElements(spec)` elements.
 * Each step is defined in docs/native.md.
 * @throws VedetteError FRAME_INVALID, TENSOR_INVALID
 */
export function rawToTensor(
  image: RawImage,
  view: FrameView,
  spec: TensorSpec,
  out: Float32Array | Uint8Array,
): FrameTransform {
  request.setImage(image);
  request.setView(view);
  request.setSpec(spec);
  call((native) => native.rawToTensor(image.data, request.slots, out));
  return request.transform();
}

/**
 * The same for a JPEG (baseline or progressive; grayscale, YCbCr, RGB, CMYK, YCCK), EXIF orientation
 * first. Nothing is decoded when the header says that it has more than `maxPixels` pixels.
 * @throws VedetteError IMAGE_CORRUPT (the message says how much was decoded),
 * IMAGE_FORMAT_UNSUPPORTED, IMAGE_TOO_LARGE, FRAME_INVALID, TENSOR_INVALID
 */
export function jpegToTensor(
  data: Uint8Array,
  view: FrameView,
  spec: TensorSpec,
  out: Float32Array | Uint8Array,
  maxPixels: number,
): FrameTransform {
  request.setView(view);
  request.setSpec(spec);
  request.setMaxPixels(maxPixels);
  call((native) => native.jpegToTensor(data, request.slots, out));
  return request.transform();
}

/**
 * Raw pixels as a baseline JPEG, `quality` 1–100, 4:2:0 chroma (grayscale for `gray8`).
 * @throws VedetteError FRAME_INVALID
 */
export function encodeJpeg(image: RawImage, quality: number): Uint8Array<ArrayBuffer> {
  request.setImage(image);
  request.setQuality(quality);
  return call((native) => native.encodeJpeg(image.data, request.slots));
}

/** Limits this process's writable private memory (`RLIMIT_DATA`), for ever. For the probe child. */
export function limitDataMemory(bytes: number): void {
  call((native) => native.limitDataMemory(bytes));
}

export interface RingStatistics {
  readonly free: number;
  readonly unread: number;
  readonly held: number;
  readonly published: number;
  readonly overwritten: number;
}
export declare class FrameRing {
  static create(options: { slots: number; slotBytes: number }): FrameRing;
  static attach(id: number): FrameRing;
  readonly id: number;
  readonly slots: number;
  readonly slotBytes: number;
  bytes(slot: number): Uint8Array<ArrayBuffer>;
  beginWrite(mayOverwrite: boolean): { slot: number; overwritten: boolean } | undefined;
  cancelWrite(slot: number): void;
  publish(slot: number, frame: FrameDescription): void;
  takeNewest(owner: number): { lease: FrameLease; skipped: number } | undefined;
  takeOldest(owner: number): FrameLease | undefined;
  retain(lease: FrameLease, owner: number): FrameLease;
  release(lease: FrameLease): void;
  reclaim(owner: number): number;
  statistics(): RingStatistics;
  close(): void;
}
