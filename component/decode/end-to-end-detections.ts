import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { BOX_COLUMNS, EndToEndRows } from './end-to-end-rows.ts';
import { sourceBox } from './picture-area.ts';

type Settings = Extract<ModelOutput, { decoder: 'end-to-end-detections' }>;

/**
 * Models that end in detections: one output [N, 6] or [1, N, 6], each row x1, y1, x2, y2 in input
 * pixels, score 0–1, class index. YOLO v10 and 26 are such, any YOLO exported with its suppression,
 * and CenterNet.
 */
export class EndToEndDetections implements Decoder {
  readonly #settings: Settings;
  readonly #rows: EndToEndRows;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#rows = new EndToEndRows(settings, declarations, model, {
      isWidth: (columns) => columns === BOX_COLUMNS,
      expected: '6',
    });
  }

  outputNames(): readonly string[] {
    return [this.#rows.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const detections = this.#rows.read(outputs, context).flatMap((row) => {
      const { label, labelIndex, score } = row;
      const box = sourceBox(row.box, context);
      return box ? [{ label, labelIndex, score, box }] : [];
    });
    return { findings: { detections: detections.slice(0, this.#settings.maxDetections) } };
  }
}
