import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Detection } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { sourceBox } from './picture-area.ts';
import { outputMismatch, pickOutput } from './pick-output.ts';
import { thresholdOf } from './score-threshold.ts';
import { suppressOverlaps } from './suppress-overlaps.ts';
import { YoloCandidateReader } from './yolo-candidates.ts';
import { headOf, headOfTensor } from './yolo-head.ts';
import type { HeadSettings, YoloHead } from './yolo-head.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolo-detections' }>;

const DECODER = 'yolo-detections';
const EXPECTED = '[1, channels, N] or [1, N, channels]';

/**
 * YOLO heads whose duplicates are still in: Ultralytics v8, v9, v11, v12 ([1, 4 + C, N], no
 * objectness), v5, v6, v7 ([1, N, 5 + C], score = objectness × class). Each candidate stands for its
 * best class; overlapping boxes are suppressed here.
 */
export class YoloDetections implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;
  readonly #headSettings: HeadSettings;
  readonly #declaredHead: YoloHead | undefined;
  readonly #reader = new YoloCandidateReader();

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const canBe = (shape: TensorDeclaration['shape']) => shape.length === 3;
    const wanted = { decoder: DECODER, name: settings.output, expected: EXPECTED, canBe } as const;
    const output = pickOutput(wanted, declarations);
    this.#output = output.name;
    this.#headSettings = {
      layout: settings.layout,
      hasObjectness: settings.hasObjectness,
      classCount: model.labels.length === 0 ? undefined : model.labels.length,
      extras: 0,
    };
    const head = output.shape.length === 0 ? undefined : headOf(output.shape, this.#headSettings);
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
    const head = headOfTensor(tensor, this.#declaredHead, (shape) =>
      headOf(shape, this.#headSettings),
    );
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const { iouThreshold, suppression, maxDetections } = this.#settings;
    const labels = Array.from(
      { length: head.classCount },
      (_, index) => this.#model.labels[index] ?? String(index),
    );
    const thresholds = Float32Array.from(labels, (label) =>
      thresholdOf(label, context, this.#settings.scoreThreshold),
    );
    const candidates = this.#reader.read(tensor, values, head, thresholds);
    const { corners, classes, scores } = candidates;
    const isAgnostic = suppression === 'agnostic';
    const detections: Detection[] = [];
    for (const place of suppressOverlaps(candidates, iouThreshold, isAgnostic, maxDetections)) {
      const box = sourceBox(corners.subarray(place * 4, place * 4 + 4), context);
      if (!box) continue;
      const labelIndex = classes[place]!;
      const score = requireScore(scores[place]!, this.#output);
      detections.push({ label: labels[labelIndex]!, labelIndex, score, box });
    }
    return { findings: { detections } };
  }
}
