/**
 * The one file that loads the addon. Everything here is synchronous, meant for worker threads;
 * every failure is a VedetteError.
 */
import type {
  FrameDescription,
  FrameLease,
  FrameView,
  EncodedFormat,
  RawPixelFormat,
  Size,
  Rotation,
  Flip,
} from '../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../component/contract/tensor.ts';

export interface RawImage extends Size {
  readonly data: Uint8Array;
  readonly format: RawPixelFormat;
  /** Bytes per row of each plane; absent means packed rows, planes back to back. */
  readonly strides?: readonly number[];
}

export interface ImageInfo extends Size {
  readonly format: EncodedFormat;
  /** EXIF orientation as turn and mirror that make the picture upright. */
  readonly rotation: Rotation;
  readonly flip: Flip;
}
export declare function inspectImage(data: Uint8Array): ImageInfo;
export declare function rawToTensor(
  image: RawImage,
  view: FrameView,
  spec: TensorSpec,
  out: Float32Array | Uint8Array,
): FrameTransform;
export declare function jpegToTensor(
  data: Uint8Array,
  view: FrameView,
  spec: TensorSpec,
  out: Float32Array | Uint8Array,
  maxPixels: number,
): FrameTransform;
export declare function encodeJpeg(image: RawImage, quality: number): Uint8Array<ArrayBuffer>;
export declare function limitDataMemory(bytes: number): void;

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
