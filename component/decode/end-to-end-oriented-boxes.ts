import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Detection } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { BOX_COLUMNS, EndToEndRows } from './end-to-end-rows.ts';
import { placedBox } from './oriented-boxes.ts';

type Settings = Extract<ModelOutput, { decoder: 'end-to-end-oriented-boxes' }>;

/**
 * Ultralytics' YOLO26 with oriented boxes, and such models exported with their suppression: one
 * output [1, N, 7], such as [1, 300, 7], each row centre x, centre y, width, height in input pixels,
 * score 0–1, class index, angle in radians by which the box is turned clockwise.
 */
export class EndToEndOrientedBoxes implements Decoder {
  readonly #settings: Settings;
  readonly #rows: EndToEndRows;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#rows = new EndToEndRows(settings, declarations, model, {
      isWidth: (columns) => columns === BOX_COLUMNS + 1,
      expected: '7',
    });
  }

  outputNames(): readonly string[] {
    return [this.#rows.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const detections = this.#rows.read(outputs, context).flatMap((row): Detection[] => {
      const { label, labelIndex, score, extras } = row;
      const [x, y, width, height] = row.box as unknown as [number, number, number, number];
      const placed = placedBox({ x, y, width, height, angle: extras[0]! }, context);
      return placed ? [{ label, labelIndex, score, ...placed }] : [];
    });
    return { findings: { detections: detections.slice(0, this.#settings.maxDetections) } };
  }
}
