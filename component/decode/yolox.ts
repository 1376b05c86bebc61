import { VedetteError } from '../contract/errors.ts';
import type { Size } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { gridCells } from './grid-cells.ts';
import type { GridCells } from './grid-cells.ts';
import { headOf } from './yolo-head.ts';
import type { YoloHead } from './yolo-head.ts';
import { YoloOutput } from './yolo-output.ts';
import type { HeadShape } from './yolo-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolox' }>;

/** What a score times a class score may reach, both with the overshoot of quantised models. */
const OVERSHOOT = 1.01;

/**
 * YOLOX' raw head (Megvii, `export_onnx.py` without `--decode_in_inference`): [1, N, 5 + C], one row
 * for each cell of strides 8, 16, 32 (and 64), each row x, y, w, h, objectness, a score for each
 * class. The centre is (x + column) × stride, (y + row) × stride, the size e^w × stride, e^h × stride,
 * in input pixels (Ge et al. 2021, «YOLOX», `decode_outputs`). Exponentials are taken only for rows
 * whose objectness can reach a threshold.
 */
export class YoloxDecoder implements Decoder {
  readonly #head: YoloOutput;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const { spec, labels } = model;
    const classCount = labels.length === 0 ? undefined : labels.length;
    this.#head = new YoloOutput(
      settings,
      declarations,
      model,
      (shape) => yoloxHead(shape, spec, classCount),
      (values, head, lowest) => this.#rows(values, head, lowest, spec),
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

  #rows(values: Float32Array, { channels }: YoloHead, lowest: number, size: Size): Float32Array {
    const count = values.length / channels;
    const cells = gridCells(size, count);
    if (!cells) throw countInvalid(this.#head.name, count, size);
    const reached: number[] = [];
    for (let row = 0; row < count; row += 1) {
      if (values[row * channels + 4]! * OVERSHOOT >= lowest) reached.push(row);
    }
    const rows = new Float32Array(reached.length * channels);
    reached.forEach((row, place) => {
      const own = values.subarray(row * channels, (row + 1) * channels);
      rows.set(own, place * channels);
      this.#placeBox(rows.subarray(place * channels, place * channels + 4), row, cells);
    });
    return rows;
  }

  /** @param box x, y, w, h of the head, which become centre and size in input pixels */
  #placeBox(box: Float32Array, row: number, { columns, rows, strides }: GridCells): void {
    const stride = strides[row]!;
    const [x, y, w, h] = box as unknown as [number, number, number, number];
    box[0] = (x + columns[row]!) * stride;
    box[1] = (y + rows[row]!) * stride;
    box[2] = Math.exp(w) * stride;
    box[3] = Math.exp(h) * stride;
    if (Number.isFinite(box[2]) && Number.isFinite(box[3])) return;
    throw new VedetteError(
      'OUTPUT_INVALID',
      `output '${this.#head.name}' row ${row} has a box of e^${w} by e^${h} cells, expected finite numbers`,
      { details: { output: this.#head.name, row } },
    );
  }
}

function yoloxHead(
  shape: HeadShape,
  size: Size,
  classCount: number | undefined,
): YoloHead | string | undefined {
  const [, count] = shape;
  if (shape.length === 3 && typeof count === 'number' && !gridCells(size, count)) {
    return `it has ${count} rows, which is not the number of cells of ${size.width}×${size.height} at strides 8, 16, 32 (and 64)`;
  }
  return headOf(shape, { layout: 'rows', hasObjectness: true, classCount, extras: 0 });
}

function countInvalid(output: string, count: number, size: Size): VedetteError {
  return new VedetteError(
    'OUTPUT_INVALID',
    `output '${output}' has ${count} rows, which is not the number of cells of ${size.width}×${size.height} at strides 8, 16, 32 (and 64)`,
    { details: { output, rows: count } },
  );
}
