/**
 * What a picture becomes as a tensor, computed slowly in 64-bit floating point from the definitions
 * in native/README.md, one pixel at a time; from stored pixels to levels see reference-pixels.ts. Shares
 * nothing with the addon but those definitions.
 */
import type { Box, FrameView, Size } from '../../../component/contract/frame.ts';
import type {
  FrameTransform,
  Interpolation,
  TensorSpec,
} from '../../../component/contract/tensor.ts';
import { clamp, grayOf, type Levels } from './reference-pixels.ts';

function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

// -------------------------------------------------------------------- view

function turnClockwise(picture: Levels): Levels {
  const { width, height, levels } = picture;
  const turned = new Float64Array(levels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = x * height + (height - 1 - y);
      turned.set(levels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), to * 3);
    }
  }
  return { width: height, height: width, levels: turned };
}

function mirror(picture: Levels, isVertical: boolean): Levels {
  const { width, height, levels } = picture;
  const mirrored = new Float64Array(levels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = isVertical ? (height - 1 - y) * width + x : y * width + (width - 1 - x);
      mirrored.set(levels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), to * 3);
    }
  }
  return { width, height, levels: mirrored };
}

/** EXIF orientation 1–8 as the standard words it: where row 0 and column 0 of the stored picture are. */
export function applyExif(picture: Levels, orientation: number): Levels {
  const turned = [5, 6].includes(orientation)
    ? turnClockwise(picture)
    : [3, 4].includes(orientation)
      ? turnClockwise(turnClockwise(picture))
      : [7, 8].includes(orientation)
        ? turnClockwise(turnClockwise(turnClockwise(picture)))
        : picture;
  return [2, 4, 5, 7].includes(orientation) ? mirror(turned, false) : turned;
}

export function makeUpright(stored: Levels, view: FrameView): Levels {
  let picture = stored;
  for (let turned = 0; turned < view.rotation; turned += 90) picture = turnClockwise(picture);
  if (view.flip === 'none') return picture;
  return mirror(picture, view.flip === 'vertical');
}

function cut(picture: Levels, region: Box): Levels {
  const levels = new Float64Array(region.width * region.height * 3);
  for (let y = 0; y < region.height; y++) {
    const from = ((region.y + y) * picture.width + region.x) * 3;
    levels.set(picture.levels.subarray(from, from + region.width * 3), y * region.width * 3);
  }
  return { width: region.width, height: region.height, levels };
}

// ------------------------------------------------------------------ resize

/** One axis: `source` pixels become `virtual`, of which `count` from `first` on are kept at `place`. */
interface Axis {
  readonly source: number;
  readonly virtual: number;
  readonly first: number;
  readonly count: number;
  readonly place: number;
}

function whole(source: number, target: number): Axis {
  return { source, virtual: target, first: 0, count: target, place: 0 };
}

function axesOf(region: Size, spec: TensorSpec): { x: Axis; y: Axis } {
  if (spec.resize === 'letterbox') {
    const ratio = Math.min(spec.width / region.width, spec.height / region.height);
    const axis = (source: number, target: number): Axis => {
      const count = clamp(roundHalfEven(source * ratio), 1, target);
      const place = Math.floor((target - count) / 2);
      return { source, virtual: count, first: 0, count, place };
    };
    return { x: axis(region.width, spec.width), y: axis(region.height, spec.height) };
  }
  if (spec.resize === 'letterbox-top-left') {
    const ratio = Math.min(spec.width / region.width, spec.height / region.height);
    const axis = (source: number, target: number): Axis => {
      const count = clamp(Math.floor(source * ratio), 1, target);
      return { source, virtual: count, first: 0, count, place: 0 };
    };
    return { x: axis(region.width, spec.width), y: axis(region.height, spec.height) };
  }
  if (spec.resize === 'crop') {
    const cropped = (source: number, target: number, scaled: number): Axis => {
      const virtual = Math.max(scaled, target);
      const first = roundHalfEven((virtual - target) / 2);
      return { source, virtual, first, count: target, place: 0 };
    };
    if (spec.width * region.height >= spec.height * region.width) {
      const scaled = Math.floor((region.height * spec.width) / region.width);
      return {
        x: whole(region.width, spec.width),
        y: cropped(region.height, spec.height, scaled),
      };
    }
    const scaled = Math.floor((region.width * spec.height) / region.height);
    return { x: cropped(region.width, spec.width, scaled), y: whole(region.height, spec.height) };
  }
  if (spec.resize === 'line') {
    const width = Math.ceil((region.width * spec.height) / region.height);
    const x = whole(region.width, Math.min(width, spec.width));
    return { x, y: whole(region.height, spec.height) };
  }
  return { x: whole(region.width, spec.width), y: whole(region.height, spec.height) };
}

type Taps = readonly (readonly [index: number, weight: number])[];

/** OpenCV INTER_LINEAR: pixel centres, two neighbours, the edge pixel repeated beyond the edge. */
function linearTaps(axis: Axis, position: number): Taps {
  const at = ((position + 0.5) * axis.source) / axis.virtual - 0.5;
  const near = Math.floor(at);
  const last = axis.source - 1;
  return [
    [clamp(near, 0, last), near + 1 - at],
    [clamp(near + 1, 0, last), at - near],
  ];
}

/** OpenCV INTER_AREA where both axes shrink: each pixel counts by how much of it the cell covers. */
function areaTaps(axis: Axis, position: number): Taps {
  const scale = axis.source / axis.virtual;
  const from = position * scale;
  const to = Math.min(from + scale, axis.source);
  const taps: [number, number][] = [];
  for (let i = Math.floor(from); i < Math.min(Math.ceil(to), axis.source); i++) {
    const covered = Math.min(i + 1, to) - Math.max(i, from);
    if (covered > 0) taps.push([i, covered / (to - from)]);
  }
  return taps;
}

/** OpenCV INTER_AREA where an axis grows: neighbours weighted by where their border falls. */
function areaEnlargedTaps(axis: Axis, position: number): Taps {
  const near = Math.floor((position * axis.source) / axis.virtual);
  const overlap = ((position + 1) * axis.source - (near + 1) * axis.virtual) / axis.source;
  const far = near >= axis.source - 1 || overlap <= 0 ? 0 : overlap;
  const last = axis.source - 1;
  return [
    [Math.min(near, last), 1 - far],
    [Math.min(near + 1, last), far],
  ];
}

/**
 * Pillow: a filter as wide as the reduction, cut at the edges, normalised, its weights with 22
 * fractional bits (so that halves are rounded the same way in both).
 */
function filterTaps(axis: Axis, position: number, kind: 'triangle' | 'cubic'): Taps {
  const scale = axis.source / axis.virtual;
  const stretch = Math.max(scale, 1);
  const support = (kind === 'cubic' ? 2 : 1) * stretch;
  const centre = (position + 0.5) * scale;
  const first = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), axis.source);
  const filter = (value: number) => {
    const x = Math.abs(value);
    if (kind === 'triangle') return x < 1 ? 1 - x : 0;
    const a = -0.5;
    if (x < 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
    return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
  };
  const taps: [number, number][] = [];
  for (let i = first; i < end; i++) taps.push([i, filter((i + 0.5 - centre) / stretch)]);
  const sum = taps.reduce((total, [, weight]) => total + weight, 0);
  return taps.map(([index, weight]) => {
    const fixed = Math.abs(weight / sum) * 2 ** 22;
    return [index, (Math.sign(weight) * Math.floor(fixed + 0.5)) / 2 ** 22];
  });
}

function nearestTaps(axis: Axis, position: number): Taps {
  const index = Number((BigInt(2 * position + 1) * BigInt(axis.source)) / BigInt(2 * axis.virtual));
  return [[Math.min(index, axis.source - 1), 1]];
}

function tapsAt(axis: Axis, isReduced: boolean, kind: Interpolation, position: number): Taps {
  switch (kind) {
    case 'bilinear':
      return linearTaps(axis, position);
    case 'area':
      return isReduced ? areaTaps(axis, position) : areaEnlargedTaps(axis, position);
    case 'bilinear-antialias':
      return filterTaps(axis, position, 'triangle');
    case 'bicubic-antialias':
      return filterTaps(axis, position, 'cubic');
    case 'nearest':
      return nearestTaps(axis, position);
  }
}

function tapsOf(axis: Axis, other: Axis, spec: TensorSpec): Taps[] {
  const isReduced = axis.source >= axis.virtual && other.source >= other.virtual;
  return Array.from({ length: axis.count }, (_, i) =>
    tapsAt(axis, isReduced, spec.interpolation, axis.first + i),
  );
}

// ------------------------------------------------------------------ tensor

export interface ReferenceTensor {
  /** Grey levels 0–255 before rounding and normalising, in the layout of the tensor. */
  readonly levels: Float64Array;
  /** Whether an element belongs to a letterbox bar. */
  readonly isBar: Uint8Array;
  readonly transform: FrameTransform;
}

/** `upright` is the picture after `makeUpright`. */
export function referenceTensor(
  upright: Levels,
  region: Box | undefined,
  spec: TensorSpec,
): ReferenceTensor {
  const box = region ?? { x: 0, y: 0, width: upright.width, height: upright.height };
  const part = cut(upright, box);
  const { x: axisX, y: axisY } = axesOf(part, spec);
  const tapsX = tapsOf(axisX, axisY, spec);
  const tapsY = tapsOf(axisY, axisX, spec);
  const channels = spec.colourOrder === 'gray' ? 1 : 3;
  const elements = spec.width * spec.height * channels;
  const levels = new Float64Array(elements).fill(spec.padValue);
  const isBar = new Uint8Array(elements).fill(1);
  const level = (x: number, y: number, channel: number): number => {
    const at = (y * part.width + x) * 3;
    const value = (c: number) => part.levels[at + c] as number;
    if (spec.colourOrder === 'gray') return grayOf(value(0), value(1), value(2));
    return value(spec.colourOrder === 'bgr' ? 2 - channel : channel);
  };
  const isRoundedBetween = spec.interpolation.endsWith('-antialias');
  for (let channel = 0; channel < channels; channel++) {
    const widened = Array.from({ length: part.height }, (_, y) =>
      tapsX.map((taps) => {
        const sum = taps.reduce((total, [x, weight]) => total + level(x, y, channel) * weight, 0);
        // Pillow keeps whole grey levels between its passes.
        return isRoundedBetween ? clamp(Math.floor(sum + 0.5), 0, 255) : sum;
      }),
    );
    tapsY.forEach((taps, row) => {
      for (let column = 0; column < axisX.count; column++) {
        const sum = taps.reduce(
          (total, [y, weight]) => total + (widened[y]?.[column] as number) * weight,
          0,
        );
        const at = indexOf(spec, channels, axisX.place + column, axisY.place + row, channel);
        levels[at] = clamp(sum, 0, 255);
        isBar[at] = 0;
      }
    });
  }
  const scaleX = axisX.source / axisX.virtual;
  const scaleY = axisY.source / axisY.virtual;
  const transform = {
    scaleX,
    scaleY,
    offsetX: box.x + (axisX.first - axisX.place) * scaleX,
    offsetY: box.y + (axisY.first - axisY.place) * scaleY,
    source: { width: upright.width, height: upright.height },
  };
  return { levels, isBar, transform };
}

function indexOf(spec: TensorSpec, channels: number, x: number, y: number, channel: number) {
  return spec.layout === 'nchw'
    ? (channel * spec.height + y) * spec.width + x
    : (y * spec.width + x) * channels + channel;
}

/** Channel of an element of the tensor. */
export function channelOf(spec: TensorSpec, element: number): number {
  const channels = spec.colourOrder === 'gray' ? 1 : 3;
  return spec.layout === 'nchw'
    ? Math.floor(element / (spec.width * spec.height))
    : element % channels;
}
