import type { Box, Point, Size } from '../component/contract/frame.ts';
import { callAddon, type ClassMapData } from './addon.ts';
import { numeric } from './ring-numbers.ts';

/** Where each number of a call lies in its Float64Array. Mirrored in native/binding/areas.h. */
const SLOT = {
  width: 0,
  height: 1,
  box: 2,
  minCells: 6,
  maxAreas: 7,
  threshold: 8,
  classes: 9,
  background: 10,
  isLast: 11,
  channels: 12,
  prototypeWidth: 13,
  prototypeHeight: 14,
  fault: 15,
  element: 16,
  value: 17,
  count: 18,
} as const;

const NO_BACKGROUND = 65_535;

/** Which cells of a grid are looked at, and which areas are worth listing. */
export interface AreaSearch {
  readonly size: Size;
  /** Whole cells inside the grid; areas end at its border. */
  readonly within: Box;
  /** Smaller areas are left out. */
  readonly minCells: number;
  /** Only so many, the largest, are listed. */
  readonly maxAreas: number;
}

/**
 * Cells of the same value that touch with an edge or a corner, and their outer contour in corners of
 * cells, clockwise from the top left of the first cell in reading order. It follows the edges of the
 * cells exactly and encloses the area and its holes.
 */
export interface MaskArea {
  readonly cellCount: number;
  readonly contour: readonly Point[];
}

export interface AreaList {
  /** Cells of all areas that are not too small, listed or not. */
  readonly cellCount: number;
  /** Largest first, equal ones in reading order. */
  readonly areas: readonly MaskArea[];
}

export interface ClassArea extends MaskArea {
  readonly labelIndex: number;
}

export interface ClassAreas {
  /** How many cells inside the box each class has, by class index. */
  readonly counts: Int32Array;
  readonly areas: readonly ClassArea[];
}

/** Why a map is no answer. */
export type MapFault =
  | { readonly kind: 'not-finite' }
  | { readonly kind: 'no-class'; readonly element: number; readonly value: number };

const numbers = new Float64Array(SLOT.count);

/**
 * Areas of a mask: cells that are not 0.
 * @param mask row-major, as many as the grid has cells
 * @throws VedetteError TENSOR_INVALID
 */
export function maskAreas(mask: Uint8Array, search: AreaSearch): AreaList {
  setSearch(search);
  return new AreaReader(callAddon((addon) => addon.maskAreas(mask, numbers))).list();
}

/**
 * Areas of a map where its values are at or above `threshold`. Every value is checked on the way.
 * @param values row-major; a Uint16Array holds halves
 * @throws VedetteError TENSOR_INVALID
 */
export function mapAreas(
  values: Float32Array | Uint16Array,
  threshold: number,
  search: AreaSearch,
): AreaList | MapFault {
  setSearch(search);
  numbers[SLOT.threshold] = numeric(threshold);
  const list = callAddon((addon) => addon.mapAreas(values, numbers));
  return fault() ?? new AreaReader(list).list();
}

export interface ClassMap {
  /** At most 65,534. Of scores: how many there are for each cell. */
  readonly classCount: number;
  /** Whether scores lie cell after cell [height, width, classes], else [classes, height, width]. */
  readonly isLast: boolean;
  /** A class whose areas are not listed. */
  readonly background: number | undefined;
}

/**
 * Areas of each class: of the class with the greatest score in each cell (the first of equal ones),
 * or of class indices as they are. Every value is checked on the way.
 * @throws VedetteError TENSOR_INVALID
 */
export function classAreas(
  values: ClassMapData,
  map: ClassMap,
  search: AreaSearch,
): ClassAreas | MapFault {
  setSearch(search);
  numbers[SLOT.classes] = numeric(map.classCount);
  numbers[SLOT.background] = map.background === undefined ? NO_BACKGROUND : numeric(map.background);
  numbers[SLOT.isLast] = map.isLast ? 1 : 0;
  const list = callAddon((addon) => addon.classAreas(values, numbers));
  const found = fault();
  if (found) return found;
  const reader = new AreaReader(list.subarray(map.classCount));
  return { counts: list.slice(0, map.classCount), areas: reader.classAreas() };
}

export interface MaskPrototypes extends Size {
  readonly channels: number;
  /** [channels, height, width] row-major; a Uint16Array holds halves. */
  readonly values: Float32Array | Uint16Array;
}

/**
 * Masks of instance segmentation, as native/README.md defines them, and their areas in pixels of the
 * input.
 * @param boxes for each detection x1, y1, x2, y2 in pixels of the input, then a coefficient for each
 * prototype
 * @param search `size` is the input's
 * @throws VedetteError TENSOR_INVALID
 */
export function instanceMasks(
  prototypes: MaskPrototypes,
  boxes: Float32Array,
  search: AreaSearch,
): readonly AreaList[] | MapFault {
  setSearch(search);
  numbers[SLOT.channels] = numeric(prototypes.channels);
  numbers[SLOT.prototypeWidth] = numeric(prototypes.width);
  numbers[SLOT.prototypeHeight] = numeric(prototypes.height);
  const list = callAddon((addon) => addon.instanceMaskAreas(prototypes.values, boxes, numbers));
  const found = fault();
  if (found) return found;
  const reader = new AreaReader(list);
  const count = boxes.length / (4 + prototypes.channels);
  return Array.from({ length: count }, () => reader.list());
}

/**
 * Whether there is no NaN and nothing infinite.
 * @throws VedetteError TENSOR_INVALID
 */
export function areFinite(values: Float32Array): boolean {
  return callAddon((addon) => addon.isFinite(values));
}

function setSearch({ size, within, minCells, maxAreas }: AreaSearch): void {
  numbers[SLOT.width] = numeric(size.width);
  numbers[SLOT.height] = numeric(size.height);
  numbers[SLOT.box] = numeric(within.x);
  numbers[SLOT.box + 1] = numeric(within.y);
  numbers[SLOT.box + 2] = numeric(within.width);
  numbers[SLOT.box + 3] = numeric(within.height);
  numbers[SLOT.minCells] = numeric(minCells);
  numbers[SLOT.maxAreas] = numeric(maxAreas);
}

function fault(): MapFault | undefined {
  if (numbers[SLOT.fault] === 0) return undefined;
  if (numbers[SLOT.fault] === 1) return { kind: 'not-finite' };
  return { kind: 'no-class', element: numbers[SLOT.element]!, value: numbers[SLOT.value]! };
}

/** Reads what the addon lists: see list_areas in core/mask_areas.h. */
class AreaReader {
  readonly #list: Int32Array;
  #at = 0;

  constructor(list: Int32Array) {
    this.#list = list;
  }

  list(): AreaList {
    const cellCount = this.#next();
    const areas = this.#areas().map(({ cellCount, contour }) => ({ cellCount, contour }));
    return { cellCount, areas };
  }

  classAreas(): ClassArea[] {
    this.#next();
    return this.#areas();
  }

  #areas(): ClassArea[] {
    return Array.from({ length: this.#next() }, () => {
      const labelIndex = this.#next();
      const cellCount = this.#next();
      const corners = this.#next();
      const contour = Array.from({ length: corners }, () => ({ x: this.#next(), y: this.#next() }));
      return { labelIndex, cellCount, contour };
    });
  }

  #next(): number {
    const value = this.#list[this.#at]!;
    this.#at += 1;
    return value;
  }
}
