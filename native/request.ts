import { RAW_PIXEL_FORMATS, type FrameView } from '../component/contract/frame.ts';
import type {
  ColourOrder,
  FrameTransform,
  Interpolation,
  ResizeMode,
  TensorLayout,
  TensorSpec,
} from '../component/contract/tensor.ts';
import type { ErrorCode } from '../component/contract/errors.ts';
import type { RawImage } from './raw-image.ts';
import { refuse } from './refuse.ts';
import { MEANING_NUMBERS, writeMeaning } from './sample-meaning.ts';

/**
 * Where each number of a call lies in the Float64Array that is handed to the addon.
 * Mirrored in native/binding/request.h.
 */
const SLOT = {
  width: 0,
  height: 1,
  format: 2,
  strideCount: 3,
  strides: 4,
  turns: 7,
  flip: 8,
  hasRegion: 9,
  region: 10,
  tensorWidth: 14,
  tensorHeight: 15,
  layout: 16,
  dtype: 17,
  colourOrder: 18,
  resize: 19,
  interpolation: 20,
  scale: 21,
  mean: 22,
  std: 25,
  padValue: 28,
  isQuantised: 29,
  quantisation: 30,
  maxPixels: 32,
  quality: 33,
  result: 34,
  meaning: 40,
  hasQuad: 40 + MEANING_NUMBERS,
  quad: 41 + MEANING_NUMBERS,
  perspective: 49 + MEANING_NUMBERS,
  count: 58 + MEANING_NUMBERS,
} as const;

const RESIZES: readonly ResizeMode[] = [
  'stretch',
  'letterbox',
  'crop',
  'line',
  'letterbox-top-left',
];
const INTERPOLATIONS: readonly Interpolation[] = [
  'bilinear',
  'area',
  'bilinear-antialias',
  'bicubic-antialias',
  'nearest',
];
const COLOUR_ORDERS: readonly ColourOrder[] = ['rgb', 'bgr', 'gray'];
const LAYOUTS: readonly TensorLayout[] = ['nchw', 'nhwc'];
const DTYPES: readonly TensorSpec['dtype'][] = ['float32', 'uint8', 'float16', 'int8'];
const ROTATIONS: readonly FrameView['rotation'][] = [0, 90, 180, 270];
const FLIPS: readonly FrameView['flip'][] = ['none', 'horizontal', 'vertical'];

/** @throws VedetteError `code` when it is none */
export function object(value: unknown, name: string, code: ErrorCode): void {
  if (typeof value !== 'object' || value === null) refuse(code, name, 'an object', value);
}

/** @throws VedetteError `code` when it is none */
export function number(value: unknown, name: string, code: ErrorCode): number {
  return typeof value === 'number' ? value : refuse(code, name, 'a number', value);
}

function choice<T>(list: readonly T[], value: T, name: string, code: ErrorCode): number {
  const index = list.indexOf(value);
  return index >= 0 ? index : refuse(code, name, list.join(', '), value);
}

/**
 * The numbers of one call to the addon, filled anew for each call. One per thread is enough, because
 * calls are synchronous.
 */
export class AddonRequest {
  readonly slots = new Float64Array(SLOT.count);
  #transform: FrameTransform | undefined;

  setImage(image: RawImage): void {
    const code = 'FRAME_INVALID';
    object(image, 'image', code);
    const { slots } = this;
    slots[SLOT.format] = choice(RAW_PIXEL_FORMATS, image.format, 'format', code);
    slots[SLOT.width] = number(image.width, 'width', code);
    slots[SLOT.height] = number(image.height, 'height', code);
    const strides = image.strides ?? [];
    if (!Array.isArray(strides) || strides.length > 3) {
      refuse(code, 'strides', 'one number for each plane', strides);
    }
    slots[SLOT.strideCount] = strides.length;
    for (let plane = 0; plane < strides.length; plane++) {
      slots[SLOT.strides + plane] = number(strides[plane], `strides[${plane}]`, code);
    }
    writeMeaning(slots, SLOT.meaning, image);
  }

  setView(view: FrameView): void {
    const code = 'FRAME_INVALID';
    object(view, 'view', code);
    const { slots } = this;
    slots[SLOT.turns] = choice(ROTATIONS, view.rotation, 'rotation', code);
    slots[SLOT.flip] = choice(FLIPS, view.flip, 'flip', code);
    slots[SLOT.hasQuad] = view.quad === undefined ? 0 : 1;
    if (view.quad !== undefined) slots.set(quadNumbers(view.quad, 'quad'), SLOT.quad);
    const region = view.region;
    slots[SLOT.hasRegion] = region === undefined ? 0 : 1;
    if (region === undefined) return;
    object(region, 'region', code);
    slots[SLOT.region] = number(region.x, 'region.x', code);
    slots[SLOT.region + 1] = number(region.y, 'region.y', code);
    slots[SLOT.region + 2] = number(region.width, 'region.width', code);
    slots[SLOT.region + 3] = number(region.height, 'region.height', code);
  }

  setSpec(spec: TensorSpec): void {
    const code = 'TENSOR_INVALID';
    object(spec, 'spec', code);
    const { slots } = this;
    slots[SLOT.tensorWidth] = number(spec.width, 'width', code);
    slots[SLOT.tensorHeight] = number(spec.height, 'height', code);
    slots[SLOT.layout] = choice(LAYOUTS, spec.layout, 'layout', code);
    slots[SLOT.dtype] = choice(DTYPES, spec.dtype, 'dtype', code);
    slots[SLOT.colourOrder] = choice(COLOUR_ORDERS, spec.colourOrder, 'colourOrder', code);
    slots[SLOT.resize] = choice(RESIZES, spec.resize, 'resize', code);
    slots[SLOT.interpolation] = choice(INTERPOLATIONS, spec.interpolation, 'interpolation', code);
    slots[SLOT.scale] = number(spec.scale, 'scale', code);
    slots[SLOT.padValue] = number(spec.padValue, 'padValue', code);
    const { quantisation } = spec;
    slots[SLOT.isQuantised] = quantisation === undefined ? 0 : 1;
    if (quantisation !== undefined) {
      object(quantisation, 'quantisation', code);
      const { scale, zeroPoint } = quantisation;
      slots[SLOT.quantisation] = number(scale, 'quantisation.scale', code);
      slots[SLOT.quantisation + 1] = number(zeroPoint, 'quantisation.zeroPoint', code);
    }
    const channels = spec.colourOrder === 'gray' ? 1 : 3;
    this.#setChannels(SLOT.mean, spec.mean, channels, 'mean');
    this.#setChannels(SLOT.std, spec.std, channels, 'std');
  }

  setMaxPixels(maxPixels: number): void {
    this.slots[SLOT.maxPixels] = number(maxPixels, 'maxPixels', 'FRAME_INVALID');
  }

  setQuality(quality: number): void {
    this.slots[SLOT.quality] = number(quality, 'quality', 'FRAME_INVALID');
  }

  result(index: number): number {
    return this.slots[SLOT.result + index] as number;
  }

  /** Frozen, and the same object for call after call of the same geometry. */
  transform(): FrameTransform {
    if (this.#transform === undefined || !holdsTransform(this.slots, this.#transform)) {
      this.#transform = transformOf(this.slots);
    }
    return this.#transform;
  }

  #setChannels(slot: number, values: readonly number[], channels: number, name: string): void {
    if (!Array.isArray(values) || values.length !== channels) {
      refuse('TENSOR_INVALID', name, `an array of ${channels} numbers`, values);
    }
    for (let channel = 0; channel < channels; channel++) {
      this.slots[slot + channel] = number(values[channel], `${name}[${channel}]`, 'TENSOR_INVALID');
    }
  }
}

/** What a call left in its numbers. */
export function transformOf(numbers: Float64Array): FrameTransform {
  const at = (index: number) => numbers[SLOT.result + index] as number;
  const transform = {
    scaleX: at(0),
    scaleY: at(1),
    offsetX: at(2),
    offsetY: at(3),
    source: Object.freeze({ width: at(4), height: at(5) }),
  };
  if (numbers[SLOT.hasQuad] === 0) return Object.freeze(transform);
  const perspective = [...numbers.subarray(SLOT.perspective, SLOT.perspective + 9)];
  return Object.freeze({ ...transform, perspective: Object.freeze(perspective) });
}

/** x and y of each corner in turn. */
export function quadNumbers(quad: unknown, name: string): number[] {
  const code = 'FRAME_INVALID';
  if (!Array.isArray(quad) || quad.length !== 4) refuse(code, name, 'four corners', quad);
  return (quad as unknown[]).flatMap((corner, index) => {
    object(corner, `${name}[${index}]`, code);
    const { x, y } = corner as { x: unknown; y: unknown };
    return [number(x, `${name}[${index}].x`, code), number(y, `${name}[${index}].y`, code)];
  });
}

function holdsTransform(numbers: Float64Array, transform: FrameTransform): boolean {
  return (
    numbers[SLOT.hasQuad] === 0 &&
    transform.perspective === undefined &&
    numbers[SLOT.result] === transform.scaleX &&
    numbers[SLOT.result + 1] === transform.scaleY &&
    numbers[SLOT.result + 2] === transform.offsetX &&
    numbers[SLOT.result + 3] === transform.offsetY &&
    numbers[SLOT.result + 4] === transform.source.width &&
    numbers[SLOT.result + 5] === transform.source.height
  );
}
