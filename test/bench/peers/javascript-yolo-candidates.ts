import type { TensorValue } from '../../../component/contract/tensor.ts';
import { requireScore } from '../../../component/decode/output-values.ts';
import type { BoxCandidates } from './javascript-suppression.ts';
import type { YoloHead } from '../../../component/decode/yolo-head.ts';

/** More than any scene has: what lies beyond is a threshold near 0, and would only cost time. */
const MAX_CANDIDATES = 4096;

export interface YoloCandidates extends BoxCandidates {
  readonly scores: Float32Array;
  /** Which of the head's N candidates each one is. */
  readonly anchors: Uint32Array;
}

/**
 * The candidates of a YOLO head that reach the threshold of their best class, best first, equal
 * scores in the head's order; at most the best 4096. Nothing is allocated per candidate of the head:
 * its memory is kept from call to call, and so the result is valid until the next.
 */
export class YoloCandidateReader {
  #best = new Float32Array(0);
  #bestClass = new Int32Array(0);
  #order = new Uint32Array(0);
  readonly #corners = new Float32Array(MAX_CANDIDATES * 4);
  readonly #classes = new Int32Array(MAX_CANDIDATES);
  readonly #scores = new Float32Array(MAX_CANDIDATES);

  /**
   * @param values finite, as many as the tensor's shape says
   * @param thresholds by class index
   * @throws VedetteError OUTPUT_INVALID when scores are not 0–1
   */
  read(
    tensor: TensorValue,
    values: Float32Array,
    head: YoloHead,
    thresholds: Float32Array,
  ): YoloCandidates {
    const total = values.length / head.channels;
    if (this.#best.length !== total) {
      this.#best = new Float32Array(total);
      this.#bestClass = new Int32Array(total);
      this.#order = new Uint32Array(total);
    }
    if (head.layout === 'rows') this.#findInRows(values, head, total);
    else this.#findInChannels(values, head, total);
    const reached = this.#sortReached(thresholds, total);
    const count = Math.min(reached, MAX_CANDIDATES);
    const anchors = this.#order.subarray(0, count);
    const channelStep = head.layout === 'rows' ? 1 : total;
    const anchorStep = head.layout === 'rows' ? head.channels : 1;
    const firstClass = head.hasObjectness ? 5 : 4;
    for (let place = 0; place < count; place += 1) {
      const anchor = anchors[place]!;
      const at = anchor * anchorStep;
      const halfWidth = values[at + 2 * channelStep]! / 2;
      const halfHeight = values[at + 3 * channelStep]! / 2;
      this.#corners[place * 4] = values[at]! - halfWidth;
      this.#corners[place * 4 + 1] = values[at + channelStep]! - halfHeight;
      this.#corners[place * 4 + 2] = values[at]! + halfWidth;
      this.#corners[place * 4 + 3] = values[at + channelStep]! + halfHeight;
      this.#classes[place] = this.#bestClass[anchor]!;
      this.#scores[place] = this.#best[anchor]!;
      // A product may look like a score when its factors are none.
      requireScore(values[at + (firstClass + this.#classes[place]!) * channelStep]!, tensor.name);
      if (head.hasObjectness) requireScore(values[at + 4 * channelStep]!, tensor.name);
    }
    return {
      count,
      corners: this.#corners,
      classes: this.#classes,
      scores: this.#scores,
      anchors,
    };
  }

  /** Channel by channel, as the values lie in memory. */
  #findInChannels(values: Float32Array, head: YoloHead, total: number): void {
    const best = this.#best;
    const bestClass = this.#bestClass;
    const first = (head.hasObjectness ? 5 : 4) * total;
    best.set(values.subarray(first, first + total));
    bestClass.fill(0);
    for (let index = 1; index < head.classCount; index += 1) {
      const row = first + index * total;
      for (let anchor = 0; anchor < total; anchor += 1) {
        const value = values[row + anchor]!;
        if (value > best[anchor]!) {
          best[anchor] = value;
          bestClass[anchor] = index;
        }
      }
    }
    if (!head.hasObjectness) return;
    for (let anchor = 0; anchor < total; anchor += 1) {
      best[anchor] = best[anchor]! * values[4 * total + anchor]!;
    }
  }

  #findInRows(values: Float32Array, head: YoloHead, total: number): void {
    const { channels, hasObjectness, classCount } = head;
    const first = hasObjectness ? 5 : 4;
    for (let anchor = 0; anchor < total; anchor += 1) {
      const at = anchor * channels;
      let most = values[at + first]!;
      let mostClass = 0;
      for (let index = 1; index < classCount; index += 1) {
        const value = values[at + first + index]!;
        if (value > most) {
          most = value;
          mostClass = index;
        }
      }
      this.#best[anchor] = hasObjectness ? most * values[at + 4]! : most;
      this.#bestClass[anchor] = mostClass;
    }
  }

  /** @returns how many of `#order` reached their threshold; they stand first, best first */
  #sortReached(thresholds: Float32Array, total: number): number {
    const best = this.#best;
    let count = 0;
    for (let anchor = 0; anchor < total; anchor += 1) {
      if (best[anchor]! >= thresholds[this.#bestClass[anchor]!]!) {
        this.#order[count] = anchor;
        count += 1;
      }
    }
    this.#order.subarray(0, count).sort((a, b) => best[b]! - best[a]! || a - b);
    return count;
  }
}
