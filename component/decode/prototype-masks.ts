import { instanceMasks } from '../../native/index.ts';
import type { MaskPrototypes } from '../../native/index.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Detection } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, DecoderModel } from './decoder.ts';
import { mapInvalid } from './map-areas.ts';
import { floatValues, requireOutput } from './output-values.ts';
import { mayBe, outputMismatch, shapeInvalid } from './pick-output.ts';
import { PictureGrid } from './picture-area.ts';
import { outlineOf } from './simplify-contour.ts';

const EXPECTED = '[1, P, H, W]';
const MAX_POLYGONS = 8;

interface PrototypeSettings {
  readonly decoder: ModelOutput['decoder'];
  readonly output?: string | undefined;
  readonly prototypes?: string | undefined;
}

interface Masked {
  /** x1, y1, x2, y2 in pixels of the input. */
  readonly corners: Float32Array;
  /** One for each prototype. */
  readonly extras: Float32Array;
}

/** An output as it came, for one picture. */
export interface ReadPrototypes {
  readonly tensor: TensorValue;
  readonly prototypes: MaskPrototypes;
}

/**
 * Prototypes of masks [1, P, H, W] that lie over the whole input, as Ultralytics' segmentation models
 * have them. A mask is assembled in the addon (native/README.md has the rule), and its areas become
 * polygons: the 8 largest of at least one cell of the prototypes.
 */
export class PrototypeMasks {
  readonly name: string;
  readonly #settings: PrototypeSettings;
  readonly #model: DecoderModel;
  /** Known at the first picture at the latest. */
  #count: number | undefined;

  /** @throws VedetteError MODEL_MISMATCH when no output, or more than one, can be it */
  constructor(
    settings: PrototypeSettings,
    declarations: readonly TensorDeclaration[],
    model: DecoderModel,
  ) {
    const output = pickPrototypes(settings, declarations);
    const count = output.shape[1];
    this.name = output.name;
    this.#settings = settings;
    this.#model = model;
    this.#count = typeof count === 'number' ? count : undefined;
  }

  get count(): number | undefined {
    return this.#count;
  }

  /** The outputs that may hold the candidates. @throws VedetteError MODEL_MISMATCH for none */
  others(declarations: readonly TensorDeclaration[]): TensorDeclaration[] {
    const { decoder, output } = this.#settings;
    const others = declarations.filter(
      ({ name, shape }) => name === output || (name !== this.name && shape.length !== 4),
    );
    if (others.length > 0) return others;
    throw outputMismatch(decoder, 'there is no output of candidates', declarations);
  }

  /** @throws VedetteError OUTPUT_INVALID for another shape than declared */
  read(outputs: ReadonlyMap<string, TensorValue>): ReadPrototypes {
    const tensor = requireOutput(outputs, this.name);
    const [batch, channels, height, width] = tensor.shape;
    const isFitting = tensor.shape.length === 4 && batch === 1 && channels! > 0;
    this.#count ??= channels;
    if (!isFitting || channels !== this.#count) throw shapeInvalid(tensor, EXPECTED);
    const values = tensor.dtype === 'float16' ? (tensor.data as Uint16Array) : floatValues(tensor);
    return {
      tensor,
      prototypes: { channels: channels!, height: height!, width: width!, values },
    };
  }

  /**
   * The mask of each, in source pixels.
   * @throws VedetteError OUTPUT_INVALID for NaN and infinite values
   */
  masksOf(
    { tensor, prototypes }: ReadPrototypes,
    found: readonly Masked[],
    context: DecodeContext,
  ): NonNullable<Detection['mask']>[] {
    if (found.length === 0) return [];
    const { spec } = this.#model;
    const { width, height } = spec;
    const grid = new PictureGrid({ width, height }, spec, context);
    const masks = instanceMasks(prototypes, withCoefficients(found), {
      size: grid.size,
      within: grid.pictureCells(),
      minCells: (width / prototypes.width) * (height / prototypes.height),
      maxAreas: MAX_POLYGONS,
    });
    if ('kind' in masks) throw mapInvalid(tensor, masks);
    return masks.map(({ areas }) => ({
      polygons: areas.map(({ contour }) => outlineOf(contour).map((point) => grid.toSource(point))),
    }));
  }
}

/** The output with four dimensions, unless one is named. */
function pickPrototypes(
  { decoder, prototypes: name }: PrototypeSettings,
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
function withCoefficients(found: readonly Masked[]): Float32Array {
  const length = 4 + (found[0]?.extras.length ?? 0);
  const boxes = new Float32Array(found.length * length);
  found.forEach(({ corners, extras }, index) => {
    boxes.set(corners, index * length);
    boxes.set(extras, index * length + 4);
  });
  return boxes;
}
