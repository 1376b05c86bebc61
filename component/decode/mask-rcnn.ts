import { mapAreas } from '../../native/index.ts';
import type { AreaSearch } from '../../native/index.ts';
import type { Box, Point, Size } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Detection } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { LabelledRows } from './labelled-rows.ts';
import type { LabelledRow } from './labelled-rows.ts';
import { floatValues, requireFinite, requireOutput } from './output-values.ts';
import { mayBe, outputMismatch, shapeInvalid } from './pick-output.ts';
import { mapInvalid } from './map-areas.ts';
import { clamp, sourceBox, sourcePoint } from './picture-area.ts';
import { outlineOf } from './simplify-contour.ts';

type Settings = Extract<ModelOutput, { decoder: 'mask-rcnn' }>;

const EXPECTED = '[N, 1, h, w] or [N, h, w]';
const MAX_POLYGONS = 8;
/** A mask that lies over its box is enlarged to the box's pixels, but to no more than this. */
const MAX_MASK_SIDE = 256;

/**
 * Mask R-CNN and models with its outputs: boxes, labels and scores as `labelled-boxes` has them, and
 * a mask of values 0–1 for each: [N, 1, H, W] over the whole input (torchvision pastes them), or
 * smaller, such as [N, 1, 28, 28], over its box (ONNX' model zoo). A mask is set where its value, a
 * small one's after bilinear enlargement, is at or above `maskThreshold`.
 */
export class MaskRcnn implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #rows: LabelledRows;
  readonly #masks: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const masks = pickMasks(settings, declarations);
    this.#settings = settings;
    this.#model = model;
    this.#masks = masks.name;
    this.#rows = new LabelledRows(
      settings,
      declarations.filter((one) => one !== masks),
      model,
    );
  }

  outputNames(): readonly string[] {
    return [...this.#rows.outputNames, this.#masks];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const rows = this.#rows.read(outputs, context);
    const tensor = requireOutput(outputs, this.#masks);
    const size = maskSize(tensor);
    const values = floatValues(tensor);
    requireFinite(tensor, values);
    const { maxDetections } = this.#settings;
    const detections: Detection[] = [];
    for (const row of rows) {
      if (detections.length === maxDetections) break;
      const { label, labelIndex, score, corners } = row;
      const box = sourceBox(corners, context);
      if (!box) continue;
      const cells = size.width * size.height;
      if ((row.row + 1) * cells > values.length) {
        throw shapeInvalid(tensor, `${EXPECTED} with a mask for each box`);
      }
      const mask = values.subarray(row.row * cells, (row.row + 1) * cells);
      const polygons = this.#polygons(tensor, { mask, size }, row, context);
      detections.push({ label, labelIndex, score, box, mask: { polygons } });
    }
    return { findings: { detections } };
  }

  #polygons(
    tensor: TensorValue,
    { mask, size }: Mask,
    row: LabelledRow,
    context: DecodeContext,
  ): Point[][] {
    const { spec } = this.#model;
    const isWhole = size.width === spec.width && size.height === spec.height;
    const place = isWhole ? { x: 0, y: 0, ...size } : boxOf(row.corners);
    if (place.width <= 0 || place.height <= 0) return [];
    const drawn = isWhole ? { mask, size } : enlarge(mask, size, place);
    const within = isWhole ? cellsOf(row.corners, size) : { x: 0, y: 0, ...drawn.size };
    const search: AreaSearch = { size: drawn.size, within, minCells: 1, maxAreas: MAX_POLYGONS };
    const found = mapAreas(drawn.mask, this.#settings.maskThreshold, search);
    if ('kind' in found) throw mapInvalid(tensor, found);
    return found.areas.map(({ contour }) =>
      outlineOf(contour).map(({ x, y }) =>
        sourcePoint(
          {
            x: place.x + (x / drawn.size.width) * place.width,
            y: place.y + (y / drawn.size.height) * place.height,
          },
          context,
        ),
      ),
    );
  }
}

interface Mask {
  readonly mask: Float32Array;
  readonly size: Size;
}

const boxOf = ([x1, y1, x2, y2]: LabelledRow['corners']): Box => ({
  x: x1,
  y: y1,
  width: x2 - x1,
  height: y2 - y1,
});

/** The cells that a box touches. */
function cellsOf([x1, y1, x2, y2]: LabelledRow['corners'], { width, height }: Size): Box {
  const x = clamp(Math.floor(x1), 0, width);
  const y = clamp(Math.floor(y1), 0, height);
  return {
    x,
    y,
    width: Math.max(0, clamp(Math.ceil(x2), 0, width) - x),
    height: Math.max(0, clamp(Math.ceil(y2), 0, height) - y),
  };
}

/**
 * A small mask at the size of its box: bilinear between cell centres, and nothing around it, as
 * torchvision pastes masks (`paste_masks_in_image`).
 */
function enlarge(mask: Float32Array, from: Size, box: Size): Mask {
  const width = clamp(Math.ceil(box.width), 1, MAX_MASK_SIDE);
  const height = clamp(Math.ceil(box.height), 1, MAX_MASK_SIDE);
  const enlarged = new Float32Array(width * height);
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= from.width || y >= from.height ? 0 : mask[y * from.width + x]!;
  for (let row = 0; row < height; row += 1) {
    const v = ((row + 0.5) * from.height) / height - 0.5;
    const top = Math.floor(v);
    const down = v - top;
    for (let column = 0; column < width; column += 1) {
      const u = ((column + 0.5) * from.width) / width - 0.5;
      const left = Math.floor(u);
      const right = u - left;
      enlarged[row * width + column] =
        (1 - down) * ((1 - right) * at(left, top) + right * at(left + 1, top)) +
        down * ((1 - right) * at(left, top + 1) + right * at(left + 1, top + 1));
    }
  }
  return { mask: enlarged, size: { width, height } };
}

function maskSize(tensor: TensorValue): Size {
  const { shape } = tensor;
  const height = shape.at(-2) ?? 0;
  const width = shape.at(-1) ?? 0;
  const isFitting = shape.length === 3 || (shape.length === 4 && shape[1] === 1);
  if (!isFitting || width === 0 || height === 0) throw shapeInvalid(tensor, EXPECTED);
  return { width, height };
}

/** The one that is named, else the only float output with the dimensions of masks. */
function pickMasks(
  { decoder, masks: name }: Settings,
  declarations: readonly TensorDeclaration[],
): TensorDeclaration {
  const canBe = ({ dtype, shape }: TensorDeclaration) =>
    dtype.startsWith('float') &&
    ((shape.length === 4 && mayBe(shape[1], 1)) || (shape.length === 3 && !mayBe(shape[2], 4)));
  const fitting = declarations.filter(
    (one) => (name === undefined || one.name === name) && canBe(one),
  );
  const output = fitting.length === 1 ? fitting[0] : fitting.find((one) => one.name === 'masks');
  if (output) return output;
  throw outputMismatch(
    decoder,
    `there are no float masks ${EXPECTED}${name === undefined ? '' : ` named '${name}'`}`,
    declarations,
  );
}
