import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Pose } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { keypointNames } from './keypoint-names.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { sourceBox, sourcePoint } from './picture-area.ts';
import { outputMismatch, pickOutput } from './pick-output.ts';
import { thresholdOf } from './score-threshold.ts';
import { suppressOverlaps } from './suppress-overlaps.ts';
import { YoloCandidateReader } from './yolo-candidates.ts';
import { headOf, headOfTensor, layoutOf } from './yolo-head.ts';
import type { YoloHead } from './yolo-head.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolo-poses' }>;

const DECODER = 'yolo-poses';
const EXPECTED = '[1, channels, N] or [1, N, channels]';

/**
 * Ultralytics' pose heads (v8, v11, v12), such as [1, 56, 8400]: a box and a score for each class as
 * `yolo-detections` has them, then x and y in input pixels for each keypoint and, with three
 * dimensions, its score 0–1. With two dimensions a keypoint has the score of its pose.
 */
export class YoloPoses implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;
  readonly #declaredHead: YoloHead | undefined;
  readonly #reader = new YoloCandidateReader();

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const canBe = (shape: TensorDeclaration['shape']) => shape.length === 3;
    const wanted = { decoder: DECODER, name: settings.output, expected: EXPECTED, canBe } as const;
    const output = pickOutput(wanted, declarations);
    this.#output = output.name;
    const head = output.shape.length === 0 ? undefined : this.#headOf(output.shape);
    if (typeof head === 'string') {
      throw outputMismatch(DECODER, `'${output.name}': ${head}`, declarations);
    }
    this.#declaredHead = head;
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    const head = headOfTensor(tensor, this.#declaredHead, (shape) => this.#headOf(shape));
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const { iouThreshold, maxDetections, scoreThreshold } = this.#settings;
    const labels = Array.from(
      { length: head.classCount },
      (_, index) => this.#model.labels[index] ?? String(index),
    );
    const thresholds = Float32Array.from(labels, (label) =>
      thresholdOf(label, context, scoreThreshold),
    );
    const candidates = this.#reader.read(tensor, values, head, thresholds);
    const { corners, classes, scores, anchors } = candidates;
    const poses: Pose[] = [];
    for (const place of suppressOverlaps(candidates, iouThreshold, false, maxDetections)) {
      const box = sourceBox(corners.subarray(place * 4, place * 4 + 4), context);
      if (!box) continue;
      const labelIndex = classes[place]!;
      const score = requireScore(scores[place]!, this.#output);
      const keypoints = this.#keypoints(values, head, anchors[place]!, score, context);
      poses.push({ label: labels[labelIndex]!, labelIndex, score, box, keypoints });
    }
    return { findings: { poses } };
  }

  #keypoints(
    values: Float32Array,
    head: YoloHead,
    anchor: number,
    poseScore: number,
    context: DecodeContext,
  ): Pose['keypoints'] {
    const { keypointDimensions: dimensions = 3, keypointNames: names } = this.#settings;
    const total = values.length / head.channels;
    const first = 4 + head.classCount;
    const at = (channel: number): number =>
      head.layout === 'rows'
        ? values[anchor * head.channels + channel]!
        : values[channel * total + anchor]!;
    return keypointNames(names, (head.channels - first) / dimensions).map((name, index) => {
      const channel = first + index * dimensions;
      const score = dimensions === 3 ? requireScore(at(channel + 2), this.#output) : poseScore;
      return { name, ...sourcePoint({ x: at(channel), y: at(channel + 1) }, context), score };
    });
  }

  /** Without labels there is one class; what is left of the channels is keypoints. */
  #headOf(shape: TensorDeclaration['shape']): YoloHead | string | undefined {
    const { keypointDimensions: dimensions = 3, keypointNames: names } = this.#settings;
    const layout = this.#settings.layout ?? layoutOf(shape, { classCount: undefined, extras: 0 });
    const channels = layout === 'rows' ? shape[2] : shape[1];
    if (layout === undefined || typeof channels !== 'number') return undefined;
    const classCount = this.#model.labels.length || 1;
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
}
