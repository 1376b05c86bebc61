import { VedetteError } from '../contract/errors.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';

export type YoloLayout = 'channels-first' | 'rows';

/**
 * How the values of a YOLO head lie: `channels-first` [1, channels, N], or `rows` [1, N, channels].
 * Channels are centre x, centre y, width, height in input pixels, objectness where there is one, a
 * score for each class, then `extras` further values (keypoints).
 */
export interface YoloHead {
  readonly layout: YoloLayout;
  readonly hasObjectness: boolean;
  readonly channels: number;
  readonly classCount: number;
}

export interface HeadSettings {
  readonly layout?: YoloLayout | undefined;
  readonly hasObjectness?: boolean | undefined;
  /** Number of classes, where labels say it. */
  readonly classCount?: number | undefined;
  readonly extras: number;
}

type Dimensions = TensorDeclaration['shape'];

/**
 * The head in an output of this shape, from what is set and, for the rest, from the labels: the
 * dimension that fits them holds the channels; else the fixed one when the other is open, else the
 * smaller one. Without labels, rows have an objectness (v5, v6, v7) and channels first have none
 * (v8 and later).
 * @returns what does not fit, in words; `undefined` when too many dimensions are open to tell
 */
export function headOf(shape: Dimensions, settings: HeadSettings): YoloHead | string | undefined {
  if (shape.length !== 3 || (typeof shape[0] === 'number' && shape[0] !== 1)) {
    return 'expected [1, channels, N] or [1, N, channels]';
  }
  const layout = settings.layout ?? layoutOf(shape, settings);
  if (!layout) return undefined;
  const channels = layout === 'rows' ? shape[2] : shape[1];
  if (typeof channels !== 'number') return undefined;
  const plain = channels - 4 - settings.extras;
  const { classCount } = settings;
  const hasObjectness =
    settings.hasObjectness ?? (classCount === undefined ? layout === 'rows' : plain > classCount);
  const found = hasObjectness ? plain - 1 : plain;
  if (found < 1 || (classCount !== undefined && found !== classCount)) {
    const wanted = classCount ?? 1;
    const fitting = [4, 5].map((first) => first + wanted + settings.extras);
    return `it has ${channels} channels, expected ${fitting[0]}, or ${fitting[1]} with objectness, for ${classCount === undefined ? 'one class' : `${classCount} labels`}`;
  }
  return { layout, hasObjectness, channels, classCount: found };
}

/** Which dimension holds the channels; `undefined` when both are open. */
export function layoutOf(shape: Dimensions, settings: HeadSettings): YoloLayout | undefined {
  const [, first, last] = shape;
  const fits = (dimension: Dimensions[number] | undefined): boolean => {
    const { classCount, extras } = settings;
    if (classCount === undefined || typeof dimension !== 'number') return false;
    const rest = dimension - classCount - extras;
    return rest === 4 || rest === 5;
  };
  if (fits(first) !== fits(last)) return fits(first) ? 'channels-first' : 'rows';
  if (typeof first !== 'number') return typeof last === 'number' ? 'rows' : undefined;
  return typeof last === 'number' && last < first ? 'rows' : 'channels-first';
}

/**
 * The head as the graph declared it, if that is what came; else read from the shape that came.
 * @throws VedetteError OUTPUT_INVALID
 */
export function headOfTensor(
  tensor: TensorValue,
  declared: YoloHead | undefined,
  read: (shape: Dimensions) => YoloHead | string | undefined,
): YoloHead {
  const { shape } = tensor;
  const channels = declared?.layout === 'rows' ? shape[2] : shape[1];
  if (declared && shape.length === 3 && shape[0] === 1 && channels === declared.channels) {
    return declared;
  }
  const head = read(shape);
  if (typeof head === 'object' && !declared) return head;
  const expected = declared
    ? `expected ${declared.channels} channels, as the graph declares`
    : typeof head === 'string'
      ? head
      : 'expected [1, channels, N] or [1, N, channels]';
  throw new VedetteError(
    'OUTPUT_INVALID',
    `output '${tensor.name}' has the shape [${shape.join(', ')}]: ${expected}`,
    { details: { output: tensor.name, shape } },
  );
}
