import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { sourceBox } from './picture-area.ts';
import { headOf } from './yolo-head.ts';
import { YoloOutput } from './yolo-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'rt-detr' }>;

/** Boxes of a picture lie in it; a little beyond its edge is still no slip of units. */
const FARTHEST = 2;

/**
 * RT-DETR as Ultralytics exports it: one output [1, Q, 4 + C], such as [1, 300, 84], each row centre
 * x, centre y, width, height in parts (0–1) of the input, then a score (0–1) for each class. A query
 * stands for its best class; nothing suppresses overlapping boxes.
 */
export class RtDetrDecoder implements Decoder {
  readonly #model: DecoderModel;
  readonly #head: YoloOutput;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const classCount = model.labels.length === 0 ? undefined : model.labels.length;
    this.#model = model;
    this.#head = new YoloOutput({ ...settings, iouThreshold: 1 }, declarations, model, (shape) =>
      headOf(shape, { layout: 'rows', hasObjectness: false, classCount, extras: 0 }),
    );
  }

  outputNames(): readonly string[] {
    return [this.#head.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const { width, height } = this.#model.spec;
    const detections = this.#head.candidates(outputs, context).flatMap((candidate) => {
      const { label, labelIndex, score } = candidate;
      const [x1, y1, x2, y2] = requireParts(candidate.corners, this.#head.name);
      const box = sourceBox([x1 * width, y1 * height, x2 * width, y2 * height], context);
      return box ? [{ label, labelIndex, score, box }] : [];
    });
    return { findings: { detections } };
  }
}

/**
 * Corners in parts of the input.
 * @throws VedetteError OUTPUT_INVALID for a box that lies so far away that its unit is another one
 */
export function requireParts(
  corners: ArrayLike<number>,
  output: string,
): [number, number, number, number] {
  const parts = Array.from(corners) as [number, number, number, number];
  const far = parts.find((value) => Math.abs(value) > FARTHEST);
  if (far === undefined) return parts;
  throw new VedetteError(
    'OUTPUT_INVALID',
    `output '${output}' holds a box with a corner at ${far}, expected parts 0–1 of the input (are they pixels?)`,
    { details: { output, corner: far } },
  );
}
