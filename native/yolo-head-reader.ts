import { callAddon } from './addon.ts';
import { numeric } from './ring-numbers.ts';

/** Where each number of a call lies in its Float64Array. Mirrored in native/binding/outputs.h. */
const SLOT = {
  isRows: 0,
  hasObjectness: 1,
  channels: 2,
  anchors: 3,
  classes: 4,
  iouThreshold: 5,
  isAgnostic: 6,
  limit: 7,
  candidates: 8,
  kept: 9,
  fault: 10,
  element: 11,
  value: 12,
  count: 13,
} as const;

/** x1, y1, x2, y2, score; the extras follow. */
const BOX_FLOATS = 5;

/**
 * How a YOLO head lies in memory: [channels, anchors] (`channels-first`) or [anchors, channels]
 * (`rows`), float32 or float16. Channels are centre x, centre y, width, height, objectness where
 * there is one, a score for each class, then further values (extras: keypoints, mask coefficients).
 */
export interface YoloHeadShape {
  readonly layout: 'channels-first' | 'rows';
  readonly hasObjectness: boolean;
  readonly channels: number;
  readonly anchors: number;
  readonly classCount: number;
}

export interface YoloSuppression {
  /** 0–1. */
  readonly iouThreshold: number;
  /** Whether boxes of different classes drop each other too. */
  readonly isAgnostic: boolean;
  /** 1–4096. */
  readonly limit: number;
}

/** Why a head is no answer. */
export type HeadFault =
  | { readonly kind: 'not-finite' }
  | { readonly kind: 'no-score'; readonly element: number; readonly value: number };

/** Boxes that are left, best first. The arrays are valid until the reader's next call. */
export interface KeptBoxes {
  /** How many candidates reached their threshold, at most 4096. */
  readonly candidates: number;
  readonly count: number;
  /** [count, rowLength]: x1, y1, x2, y2 in the head's own pixels, score, extras. */
  readonly rows: Float32Array;
  readonly rowLength: number;
  /** Class index of each. */
  readonly labels: Int32Array;
  readonly fault: HeadFault | undefined;
}

/**
 * Reads YOLO heads: candidates, their suppression, and the check of every value, in one call of the
 * addon. A candidate stands for its best class (the first of equal ones) with that class's score,
 * times objectness. Those that reach the threshold of their class take part, best first, equal ones in
 * the head's order, at most the best 4096; one is dropped when its intersection over union with a
 * better one that was kept is greater than `iouThreshold`. A reader keeps its memory from call to call.
 */
export class YoloHeadReader {
  readonly #numbers = new Float64Array(SLOT.count);
  #rows = new Float32Array(0);
  #labels = new Int32Array(0);

  /**
   * @param values as many as channels × anchors; a Uint16Array holds halves
   * @param thresholds by class index
   * @returns with `fault` set, and no boxes, when a value is NaN or infinite, or when a score of a
   * candidate is not within −0.01 to 1.01
   * @throws VedetteError TENSOR_INVALID when numbers, types and lengths do not fit together
   */
  read(
    values: Float32Array | Uint16Array,
    head: YoloHeadShape,
    thresholds: Float32Array,
    suppression: YoloSuppression,
  ): KeptBoxes {
    const numbers = this.#numbers;
    const firstClass = head.hasObjectness ? 5 : 4;
    const extras = numeric(head.channels) - firstClass - numeric(head.classCount);
    const rowLength = BOX_FLOATS + extras;
    this.#reserve(numeric(suppression.limit), rowLength);
    numbers[SLOT.isRows] = head.layout === 'rows' ? 1 : 0;
    numbers[SLOT.hasObjectness] = head.hasObjectness ? 1 : 0;
    numbers[SLOT.channels] = numeric(head.channels);
    numbers[SLOT.anchors] = numeric(head.anchors);
    numbers[SLOT.classes] = numeric(head.classCount);
    numbers[SLOT.iouThreshold] = numeric(suppression.iouThreshold);
    numbers[SLOT.isAgnostic] = suppression.isAgnostic ? 1 : 0;
    numbers[SLOT.limit] = numeric(suppression.limit);
    callAddon((addon) => {
      addon.readYoloHead(values, numbers, thresholds, this.#rows, this.#labels);
    });
    return {
      candidates: numbers[SLOT.candidates]!,
      count: numbers[SLOT.kept]!,
      rows: this.#rows,
      rowLength,
      labels: this.#labels,
      fault: this.#fault(),
    };
  }

  #fault(): HeadFault | undefined {
    const numbers = this.#numbers;
    if (numbers[SLOT.fault] === 0) return undefined;
    if (numbers[SLOT.fault] === 1) return { kind: 'not-finite' };
    return { kind: 'no-score', element: numbers[SLOT.element]!, value: numbers[SLOT.value]! };
  }

  /** What cannot be a number of boxes gets no memory: the addon refuses it. */
  #reserve(limit: number, rowLength: number): void {
    const isSane = limit >= 1 && limit <= 4096 && rowLength >= BOX_FLOATS && rowLength <= 65_536;
    if (!isSane) return;
    if (this.#labels.length < limit) this.#labels = new Int32Array(limit);
    if (this.#rows.length < limit * rowLength) this.#rows = new Float32Array(limit * rowLength);
  }
}
