import { instanceMasks } from '../../native/index.ts';
import type { MaskArea, MaskPrototypes } from '../../native/index.ts';
import type { Point } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { mapInvalid } from './map-areas.ts';
import { floatValues, requireOutput } from './output-values.ts';
import { mayBe, outputMismatch, shapeInvalid } from './pick-output.ts';
import { PictureGrid } from './picture-area.ts';
import { simplifyContour } from './simplify-contour.ts';
import { headOf } from './yolo-head.ts';
import { YoloOutput } from './yolo-output.ts';
import type { YoloBox } from './yolo-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'yolo-segments' }>;

const EXPECTED = '[1, P, H, W]';
const MAX_POLYGONS = 8;
const MAX_POLYGON_POINTS = 128;
/** In pixels of the input. */
const CONTOUR_TOLERANCE = 1;

/**
 * Ultralytics' segmentation heads (v8, v9, v11, v12; v5 with objectness): candidates such as
 * [1, 4 + C + 32, 8400] whose last channels are coefficients, and prototypes [1, 32, H, W] that lie
 * over the whole input. Boxes are those of `yolo-detections`; the mask of each that is kept is
 * assembled in the addon (native/README.md has the rule), and its areas become polygons: the 8 largest
 * of at least one cell of the prototypes.
 */
export class YoloSegments implements Decoder {
  readonly #model: DecoderModel;
  readonly #head: YoloOutput;
  readonly #prototypes: string;
  /** Known at the first picture at the latest. */
  #prototypeCount: number | undefined;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const { decoder, layout, hasObjectness } = settings;
    const prototypes = pickPrototypes(settings, declarations);
    const heads = declarations.filter(
      ({ name, shape }) =>
        name === settings.output || (name !== prototypes.name && shape.length !== 4),
    );
    if (heads.length === 0) {
      throw outputMismatch(decoder, 'there is no output of candidates', declarations);
    }
    const count = prototypes.shape[1];
    this.#model = model;
    this.#prototypes = prototypes.name;
    this.#prototypeCount = typeof count === 'number' ? count : undefined;
    const classCount = model.labels.length === 0 ? undefined : model.labels.length;
    this.#head = new YoloOutput(settings, heads, model, (shape) => {
      const extras = this.#prototypeCount;
      if (extras === undefined) return undefined;
      return headOf(shape, { layout, hasObjectness, classCount, extras });
    });
  }

  outputNames(): readonly string[] {
    return [this.#head.name, this.#prototypes];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const prototypes = this.#readPrototypes(requireOutput(outputs, this.#prototypes));
    const found = this.#head.read(outputs, context);
    if (found.length === 0) return { findings: { detections: [] } };
    const { width, height } = this.#model.spec;
    const grid = new PictureGrid({ width, height }, this.#model.spec, context);
    const masks = instanceMasks(prototypes, withCoefficients(found), {
      size: grid.size,
      within: grid.pictureCells(),
      minCells: (width / prototypes.width) * (height / prototypes.height),
      maxAreas: MAX_POLYGONS,
    });
    if ('kind' in masks) throw mapInvalid(requireOutput(outputs, this.#prototypes), masks);
    const detections = found.map(({ label, labelIndex, score, box }, index) => {
      const polygons = masks[index]!.areas.map((area) => polygonOf(area, grid));
      return { label, labelIndex, score, box, mask: { polygons } };
    });
    return { findings: { detections } };
  }

  #readPrototypes(tensor: TensorValue): MaskPrototypes {
    const [batch, channels, height, width] = tensor.shape;
    const isFitting = tensor.shape.length === 4 && batch === 1 && channels! > 0;
    this.#prototypeCount ??= channels;
    if (!isFitting || channels !== this.#prototypeCount) throw shapeInvalid(tensor, EXPECTED);
    const values = tensor.dtype === 'float16' ? (tensor.data as Uint16Array) : floatValues(tensor);
    return { channels: channels!, height: height!, width: width!, values };
  }
}

/** The output with four dimensions, unless one is named. */
function pickPrototypes(
  { decoder, prototypes: name }: Settings,
  declarations: readonly TensorDeclaration[],
): TensorDeclaration {
  const isFitting = ({ dtype, shape }: TensorDeclaration) =>
    dtype.startsWith('float') && shape.length === 4 && mayBe(shape[0], 1);
  const fitting = declarations.filter(
    (one) => (name === undefined || one.name === name) && isFitting(one),
  );
  const [output] = fitting;
  if (output && fitting.length === 1) return output;
  const problem = output
    ? 'several outputs may hold prototypes, name one in output.prototypes'
    : `there are no float prototypes ${EXPECTED}${name === undefined ? '' : ` named '${name}'`}`;
  throw outputMismatch(decoder, problem, declarations);
}

/** x1, y1, x2, y2 and the coefficients of each. */
function withCoefficients(found: readonly YoloBox[]): Float32Array {
  const length = 4 + (found[0]?.extras.length ?? 0);
  const boxes = new Float32Array(found.length * length);
  found.forEach(({ corners, extras }, index) => {
    boxes.set(corners, index * length);
    boxes.set(extras, index * length + 4);
  });
  return boxes;
}

const polygonOf = ({ contour }: MaskArea, grid: PictureGrid): Point[] =>
  simplifyContour(contour, CONTOUR_TOLERANCE, MAX_POLYGON_POINTS).map((point) =>
    grid.toSource(point),
  );
