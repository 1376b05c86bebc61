import {
  ENCODED_FORMATS,
  type EncodedFormat,
  type Flip,
  type FrameView,
  type Rotation,
  type Size,
} from '../component/contract/frame.ts';
import type { FrameTransform, TensorSpec } from '../component/contract/tensor.ts';
import { addonError, callAddon, loadAddon } from './addon.ts';
import { KeptTensor, type TensorTarget } from './kept-tensor.ts';
import type { RawImage } from './raw-image.ts';
import { AddonRequest } from './request.ts';

// The two calls of every frame make no object of their own: see test/integration/native/steady-state.test.ts.
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
  callAddon((addon) => addon.inspectImage(data, request.slots));
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
 * Each step is defined in native/README.md.
 * @throws VedetteError FRAME_INVALID, TENSOR_INVALID
 */
export function rawToTensor(
  image: RawImage,
  view: FrameView,
  spec: TensorSpec,
  out: TensorTarget,
): FrameTransform {
  request.setImage(image);
  request.setView(view);
  request.setSpec(spec);
  const isKept = out instanceof KeptTensor;
  const memory = isKept ? out.data : out;
  const bars = isKept ? out.bars : undefined;
  try {
    loadAddon().rawToTensor(image.data, request.slots, memory, bars);
  } catch (thrown) {
    throw addonError(thrown);
  }
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
  out: TensorTarget,
  maxPixels: number,
): FrameTransform {
  request.setView(view);
  request.setSpec(spec);
  request.setMaxPixels(maxPixels);
  const isKept = out instanceof KeptTensor;
  const memory = isKept ? out.data : out;
  const bars = isKept ? out.bars : undefined;
  try {
    loadAddon().jpegToTensor(data, request.slots, memory, bars);
  } catch (thrown) {
    throw addonError(thrown);
  }
  return request.transform();
}

/**
 * Raw pixels as a baseline JPEG, `quality` 1–100, 4:2:0 chroma (grayscale for grey formats).
 * @throws VedetteError FRAME_INVALID
 */
export function encodeJpeg(image: RawImage, quality: number): Uint8Array<ArrayBuffer> {
  request.setImage(image);
  request.setQuality(quality);
  return callAddon((addon) => addon.encodeJpeg(image.data, request.slots));
}

/**
 * The kernels that turn pixels into tensors on this processor: `scalar`, `avx2`, `avx512` or `neon`. The
 * environment variable VEDETTE_KERNEL, read when the addon is loaded, forces one; ADDON_UNAVAILABLE
 * when this processor does not have it.
 */
export function kernelName(): string {
  return callAddon((addon) => addon.kernelName());
}

/**
 * Maps an ONNX Runtime library into this process, for ever: whatever is loaded afterwards and needs
 * a library of its name is bound to it. Call it before `onnxruntime-node` is loaded.
 * @param file absolute path
 * @returns its version, such as `1.30.0`
 * @throws VedetteError INTERNAL with what the dynamic linker says; a damaged file may end the process
 */
export function loadOnnxRuntime(file: string): string {
  return callAddon((addon) => addon.loadOnnxRuntime(file));
}

/** Limits this process's writable private memory (`RLIMIT_DATA`), for ever. For the probe child. */
export function limitDataMemory(bytes: number): void {
  callAddon((addon) => addon.limitDataMemory(bytes));
}
