import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Detection } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { keptBoxes, placedBox } from './oriented-boxes.ts';
import { headOf } from './yolo-head.ts';
import { YoloOutput } from './yolo-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolo-oriented-boxes' }>;

/** Of the candidates that take part in the suppression; the addon's own limit. */
const MAX_CANDIDATES = 4096;

/**
 * Ultralytics' oriented boxes (v8, v11, v12), such as [1, 4 + C + 1, 21504]: a candidate as
 * `yolo-detections` has them whose last channel is the angle in radians by which its box is turned
 * clockwise. `oriented-boxes.ts` has the rule by which overlapping boxes are suppressed.
 */
export class YoloOrientedBoxes implements Decoder {
  readonly #settings: Settings;
  readonly #head: YoloOutput;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const { layout } = settings;
    const classCount = model.labels.length === 0 ? undefined : model.labels.length;
    this.#settings = settings;
    this.#head = new YoloOutput(
      { ...settings, iouThreshold: 1, maxDetections: MAX_CANDIDATES },
      declarations,
      model,
      (shape) => headOf(shape, { layout, hasObjectness: false, classCount, extras: 1 }),
    );
  }

  outputNames(): readonly string[] {
    return [this.#head.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const { iouThreshold, maxDetections, suppression } = this.#settings;
    const candidates = this.#head.candidates(outputs, context).map((one) => {
      const [left, top, right, bottom] = one.corners as unknown as [number, number, number, number];
      const box = {
        x: (left + right) / 2,
        y: (top + bottom) / 2,
        width: right - left,
        height: bottom - top,
        angle: one.extras[0]!,
      };
      if (!Number.isFinite(box.x + box.y + box.width + box.height)) {
        throw new VedetteError(
          'OUTPUT_INVALID',
          `output '${this.#head.name}' holds a box from ${left}, ${top} to ${right}, ${bottom}, expected finite corners`,
          { details: { output: this.#head.name } },
        );
      }
      return { ...one, box };
    });
    const kept = keptBoxes(candidates, {
      iouThreshold,
      isAgnostic: suppression === 'agnostic',
      limit: maxDetections,
    });
    const detections = kept.flatMap((index): Detection[] => {
      const { label, labelIndex, score, box } = candidates[index]!;
      const placed = placedBox(box, context);
      return placed ? [{ label, labelIndex, score, ...placed }] : [];
    });
    return { findings: { detections } };
  }
}
