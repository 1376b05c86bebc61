import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { rowKeypoints } from './keypoints.ts';
import { headOf, layoutOf } from './yolo-head.ts';
import type { YoloHead } from './yolo-head.ts';
import { YoloOutput } from './yolo-output.ts';
import type { HeadShape } from './yolo-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolo-poses' }>;

/**
 * Ultralytics' pose heads (v8, v11, v12), such as [1, 56, 8400]: a box and a score for each class as
 * `yolo-detections` has them, then x and y in input pixels for each keypoint and, with three
 * dimensions, its score 0–1. With two dimensions a keypoint has the score of its pose.
 */
export class YoloPoses implements Decoder {
  readonly #settings: Settings;
  readonly #head: YoloOutput;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    const classCount = model.labels.length || 1;
    this.#head = new YoloOutput(settings, declarations, model, (shape) =>
      poseHead(shape, settings, classCount),
    );
  }

  outputNames(): readonly string[] {
    return [this.#head.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const poses = this.#head.read(outputs, context).map((found) => {
      const { label, labelIndex, score, box, extras } = found;
      const keypoints = rowKeypoints(extras, score, this.#settings, this.#head.name, context);
      return { label, labelIndex, score, box, keypoints };
    });
    return { findings: { poses } };
  }
}

/** Without labels there is one class; what is left of the channels is keypoints. */
function poseHead(
  shape: HeadShape,
  settings: Settings,
  classCount: number,
): YoloHead | string | undefined {
  const { keypointDimensions: dimensions = 3, keypointNames: names } = settings;
  const layout = settings.layout ?? layoutOf(shape, { classCount: undefined, extras: 0 });
  const channels = layout === 'rows' ? shape[2] : shape[1];
  if (layout === undefined || typeof channels !== 'number') return undefined;
  const extras = channels - 4 - classCount;
  const isFitting =
    extras > 0 &&
    extras % dimensions === 0 &&
    (names === undefined || names.length * dimensions === extras);
  if (!isFitting) {
    const count = names === undefined ? 'keypoints' : `${names.length} keypoints`;
    return `it has ${channels} channels, expected 4 for the box, ${classCount} for classes, and ${dimensions} for each of the ${count}`;
  }
  return headOf(shape, { layout, hasObjectness: false, classCount, extras });
}
