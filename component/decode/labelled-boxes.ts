import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { LabelledRows } from './labelled-rows.ts';
import { sourceBox } from './picture-area.ts';

type Settings = Extract<ModelOutput, { decoder: 'labelled-boxes' }>;

/**
 * Models that end in detections, in outputs of their own: torchvision's detectors, RT-DETR, D-FINE
 * and DEIM as they are deployed, TensorFlow's Object Detection API, SSD and Faster R-CNN of ONNX'
 * model zoo.
 */
export class LabelledBoxes implements Decoder {
  readonly #settings: Settings;
  readonly #rows: LabelledRows;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#rows = new LabelledRows(settings, declarations, model);
  }

  outputNames(): readonly string[] {
    return this.#rows.outputNames;
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const detections = this.#rows.read(outputs, context).flatMap((row) => {
      const { label, labelIndex, score, corners } = row;
      const box = sourceBox(corners, context);
      return box ? [{ label, labelIndex, score, box }] : [];
    });
    return { findings: { detections: detections.slice(0, this.#settings.maxDetections) } };
  }
}
