import type { TensorDeclaration, TensorDtype } from '../contract/tensor.ts';

type Dimension = TensorDeclaration['shape'][number];

export type ClassMapLayout = 'channels-first' | 'channels-last';

/** How a map of classes lies in memory. */
export interface ClassMapShape {
  readonly width: Dimension;
  readonly height: Dimension;
  /** Of indices without labels: as many as an index can say. */
  readonly classCount: number;
  readonly isLast: boolean;
}

export const CLASS_MAP_SHAPES =
  'scores [1, C, H, W] or [1, H, W, C], or class indices [1, H, W] or [1, 1, H, W]';

/** The addon's limit for the number of classes. */
const MAX_CLASSES = 65_534;

const INDEX_TYPES: readonly TensorDtype[] = ['uint8', 'int32', 'int64'];

export const isIndexType = (dtype: TensorDtype): boolean => INDEX_TYPES.includes(dtype);

/**
 * The map in an output of this type and shape. Where scores have their classes is what is set; else
 * the dimension that is the number of labels; else the smaller one, the second of equal ones.
 * @param labelCount 0 when the model has no labels
 * @returns what does not fit, in words; `undefined` when too many dimensions are open to tell
 */
export function classMapOf(
  { dtype, shape }: Pick<TensorDeclaration, 'dtype' | 'shape'>,
  layout: ClassMapLayout | undefined,
  labelCount: number,
): ClassMapShape | string | undefined {
  if (typeof shape[0] === 'number' && shape[0] !== 1) return `expected ${CLASS_MAP_SHAPES}`;
  if (isIndexType(dtype)) return indexMap(shape, labelCount || MAX_CLASSES);
  if (shape.length !== 4) return `expected ${CLASS_MAP_SHAPES}`;
  const [, second, third, last] = shape;
  const isLast =
    layout === undefined ? areClassesLast(second, last, labelCount) : layout === 'channels-last';
  if (isLast === undefined) return undefined;
  const classCount = isLast ? last : second;
  if (typeof classCount !== 'number') return undefined;
  if (classCount < 2) {
    return 'it has one score for each place: nothing to choose the greatest of; end the graph in ArgMax or in two classes';
  }
  if (labelCount > 0 && classCount !== labelCount) {
    return `it has ${classCount} scores for each place, there are ${labelCount} labels`;
  }
  if (classCount > MAX_CLASSES)
    return `it has ${classCount} classes, at most ${MAX_CLASSES} are read`;
  const [height, width] = isLast ? [second, third] : [third, last];
  return { width: width!, height: height!, classCount, isLast };
}

function indexMap(
  shape: TensorDeclaration['shape'],
  classCount: number,
): ClassMapShape | string | undefined {
  const isMap =
    shape.length === 3 || (shape.length === 4 && (typeof shape[1] !== 'number' || shape[1] === 1));
  if (!isMap) return `expected ${CLASS_MAP_SHAPES}`;
  return { width: shape.at(-1)!, height: shape.at(-2)!, classCount, isLast: false };
}

function areClassesLast(
  second: Dimension | undefined,
  last: Dimension | undefined,
  labelCount: number,
): boolean | undefined {
  const fits = (dimension: Dimension | undefined) => labelCount > 0 && dimension === labelCount;
  if (fits(second) !== fits(last)) return fits(last);
  if (typeof second !== 'number') return typeof last === 'number' ? true : undefined;
  return typeof last === 'number' && last < second;
}
