import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { PrototypeMasks } from './prototype-masks.ts';
import { headOf } from './yolo-head.ts';
import { YoloOutput } from './yolo-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolo-segments' }>;

/**
 * Ultralytics' segmentation heads (v8, v9, v11, v12; v5 with objectness): candidates such as
 * [1, 4 + C + 32, 8400] whose last channels are coefficients, and prototypes [1, 32, H, W]. Boxes are
 * those of `yolo-detections`.
 */
export class YoloSegments implements Decoder {
  readonly #head: YoloOutput;
  readonly #masks: PrototypeMasks;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const { layout, hasObjectness } = settings;
    this.#masks = new PrototypeMasks(settings, declarations, model);
    const heads = this.#masks.others(declarations);
    const classCount = model.labels.length === 0 ? undefined : model.labels.length;
    this.#head = new YoloOutput(settings, heads, model, (shape) => {
      const extras = this.#masks.count;
      if (extras === undefined) return undefined;
      return headOf(shape, { layout, hasObjectness, classCount, extras });
    });
  }

  outputNames(): readonly string[] {
    return [this.#head.name, this.#masks.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const prototypes = this.#masks.read(outputs);
    const found = this.#head.read(outputs, context);
    const masks = this.#masks.masksOf(prototypes, found, context);
    const detections = found.map(({ label, labelIndex, score, box }, index) => ({
      label,
      labelIndex,
      score,
      box,
      mask: masks[index]!,
    }));
    return { findings: { detections } };
  }
}
