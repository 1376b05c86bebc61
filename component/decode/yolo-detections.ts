import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { headOf } from './yolo-head.ts';
import { YoloOutput } from './yolo-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolo-detections' }>;

/**
 * YOLO heads whose duplicates are still in: Ultralytics v8, v9, v11, v12 ([1, 4 + C, N], no
 * objectness), v5, v6, v7 ([1, N, 5 + C], score = objectness × class). Each candidate stands for its
 * best class; overlapping boxes are suppressed here.
 */
export class YoloDetections implements Decoder {
  readonly #head: YoloOutput;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const { layout, hasObjectness } = settings;
    const classCount = model.labels.length === 0 ? undefined : model.labels.length;
    this.#head = new YoloOutput(settings, declarations, model, (shape) =>
      headOf(shape, { layout, hasObjectness, classCount, extras: 0 }),
    );
  }

  outputNames(): readonly string[] {
    return [this.#head.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const detections = this.#head
      .read(outputs, context)
      .map(({ label, labelIndex, score, box }) => ({ label, labelIndex, score, box }));
    return { findings: { detections } };
  }
}
