import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { BOX_COLUMNS, EndToEndRows } from './end-to-end-rows.ts';
import { sourceBox } from './picture-area.ts';
import { PrototypeMasks } from './prototype-masks.ts';

type Settings = Extract<ModelOutput, { decoder: 'end-to-end-segments' }>;

/**
 * Ultralytics' YOLO26 segmentation and segmentation models exported with their suppression: rows
 * [1, N, 6 + P], such as [1, 300, 38], each x1, y1, x2, y2 in input pixels, score 0–1, class index,
 * then the coefficients of P prototypes [1, P, H, W] that lie over the whole input. Masks are those of
 * `yolo-segments`.
 */
export class EndToEndSegments implements Decoder {
  readonly #settings: Settings;
  readonly #rows: EndToEndRows;
  readonly #masks: PrototypeMasks;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#masks = new PrototypeMasks(settings, declarations, model);
    const rest = this.#masks.others(declarations);
    this.#rows = new EndToEndRows(settings, rest, model, {
      isWidth: (columns) => {
        const { count } = this.#masks;
        return columns > BOX_COLUMNS && (count === undefined || columns === BOX_COLUMNS + count);
      },
      expected: `6 + ${this.#masks.count ?? 'P'}`,
    });
  }

  outputNames(): readonly string[] {
    return [this.#rows.name, this.#masks.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const prototypes = this.#masks.read(outputs);
    const found = this.#rows
      .read(outputs, context)
      .flatMap((row) => {
        const box = sourceBox(row.box, context);
        return box ? [{ ...row, box, corners: row.box }] : [];
      })
      .slice(0, this.#settings.maxDetections);
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
