import type { Detection } from '../../../component/contract/result.ts';
import type { TensorValue } from '../../../component/contract/tensor.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';
import { floatValues, requireScore } from '../../../component/decode/output-values.ts';
import { sourceBox } from '../../../component/decode/picture-area.ts';
import { thresholdOf } from '../../../component/decode/score-threshold.ts';
import type { YoloHead } from '../../../component/decode/yolo-head.ts';
import { suppressOverlaps } from './javascript-suppression.ts';
import { YoloCandidateReader, type YoloCandidates } from './javascript-yolo-candidates.ts';

export interface JavaScriptYoloSettings {
  readonly labels: readonly string[];
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly isAgnostic: boolean;
  readonly maxDetections: number;
}

/**
 * `yolo-detections` in plain JavaScript, as it was before the addon read heads: what the addon is
 * measured against, and what its answers are compared with.
 */
export class JavaScriptYoloDetections {
  readonly #head: YoloHead;
  readonly #settings: JavaScriptYoloSettings;
  readonly #reader = new YoloCandidateReader();

  constructor(head: YoloHead, settings: JavaScriptYoloSettings) {
    this.#head = head;
    this.#settings = settings;
  }

  decode(tensor: TensorValue, context: DecodeContext): Detection[] {
    const { labels, scoreThreshold } = this.#settings;
    const thresholds = Float32Array.from(labels, (label) =>
      thresholdOf(label, context, scoreThreshold),
    );
    const { candidates, kept } = this.read(tensor, thresholds);
    const { corners, classes, scores } = candidates;
    const detections: Detection[] = [];
    for (const place of kept) {
      const box = sourceBox(corners.subarray(place * 4, place * 4 + 4), context);
      if (!box) continue;
      const labelIndex = classes[place]!;
      const score = requireScore(scores[place]!, tensor.name);
      detections.push({ label: labels[labelIndex]!, labelIndex, score, box });
    }
    return detections;
  }

  read(
    tensor: TensorValue,
    thresholds: Float32Array,
  ): { readonly candidates: YoloCandidates; readonly kept: readonly number[] } {
    const { iouThreshold, isAgnostic, maxDetections } = this.#settings;
    const values = floatValues(tensor);
    requireFinite(values);
    const candidates = this.#reader.read(tensor, values, this.#head, thresholds);
    return {
      candidates,
      kept: suppressOverlaps(candidates, iouThreshold, isAgnostic, maxDetections),
    };
  }
}

function requireFinite(values: Float32Array): void {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index]! * 0;
  if (sum !== 0) throw new Error('a value is not finite');
}
