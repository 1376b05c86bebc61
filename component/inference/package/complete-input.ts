import type { ModelInput } from '../../contract/model-manifest.ts';
import { PICTURE_DTYPES } from '../../contract/tensor.ts';
import type { PictureDtype, TensorLayout, TensorSpec } from '../../contract/tensor.ts';
import { mismatch, pickInputs } from './pick-inputs.ts';
import type { SizeInput } from './pick-inputs.ts';
import { isUltralytics } from './model-metadata.ts';
import type { ModelMetadata } from './model-metadata.ts';
import { MAX_BATCH } from './graph-batch.ts';
import type { OnnxStructure } from './read-onnx.ts';

export interface CompletedInput {
  readonly name: string;
  readonly spec: TensorSpec;
  /** Sides of the input follow the picture in multiples of this, up to those of `spec`. */
  readonly sizeMultiple?: number;
  /** Whether the graph's input has a batch dimension before the picture's three. */
  readonly isBatched: boolean;
  readonly sizeInput?: SizeInput | undefined;
}

/** Fields of `input` that the author wrote; schema defaults do not count as the author's word. */
export type AuthoredInput = Readonly<Record<string, unknown>>;

/**
 * How a picture becomes the graph's input: what `model.json` says, completed from the graph's shape
 * and the exporter's metadata. The graph must take one picture: float32, float16, int8 or uint8, batch
 * 1, free or none, [b, C, H, W] or [b, H, W, C]; beside it may stand the input's size.
 * @throws VedetteError MODEL_MISMATCH listing every contradiction by name
 */
export function completeInput(
  input: ModelInput,
  authored: AuthoredInput,
  structure: OnnxStructure,
  metadata: ModelMetadata,
): CompletedInput {
  const problems: string[] = [];
  const { picture: graphInput, sizeInput } = pickInputs(input, structure);
  const at = `graph input '${graphInput.name}' ${graphInput.dtype} [${graphInput.shape.join(', ')}]`;
  const channels = input.colourOrder === 'gray' ? 1 : 3;
  const isBatched = graphInput.shape.length !== 3;
  // torchvision's detectors take a list of pictures: exported, each is an input without a batch.
  const shape = isBatched ? graphInput.shape : [1, ...graphInput.shape];
  if (shape.length !== 4 || (!isBatched && !layoutOf(shape, channels))) {
    throw mismatch([
      `${at}: expected four dimensions, [batch, C, H, W] or [batch, H, W, C], or three without a batch`,
    ]);
  }
  if (typeof shape[0] === 'number' && (shape[0] < 1 || shape[0] > MAX_BATCH)) {
    problems.push(
      `${at}: batch is fixed at ${shape[0]}, expected 1 to ${MAX_BATCH} or a free batch dimension`,
    );
  }
  const dtype = PICTURE_DTYPES.find((known) => known === graphInput.dtype);
  if (!dtype) {
    const wayOut = graphInput.dtype.includes('int')
      ? `; put a Cast to ${graphInput.dtype} behind an input of uint8, see docs/MODEL-FAMILIES.md (MoveNet)`
      : '';
    throw mismatch([...problems, `${at}: expected ${PICTURE_DTYPES.join(', ')}${wayOut}`]);
  }
  if (input.dtype && input.dtype !== dtype) {
    problems.push(`input.dtype is ${input.dtype}, the graph takes ${dtype}`);
  }
  const layout = input.layout ?? layoutOf(shape, channels);
  if (!layout) {
    throw mismatch([
      ...problems,
      `${at}: neither the second nor the last dimension is ${channels}, the channels of input.colourOrder '${input.colourOrder}'; set input.layout and input.colourOrder`,
    ]);
  }
  const [graphChannels, graphHeight, graphWidth] =
    layout === 'nchw' ? [shape[1], shape[2], shape[3]] : [shape[3], shape[1], shape[2]];
  if (typeof graphChannels === 'number' && graphChannels !== channels) {
    problems.push(
      `input.layout '${layout}' with input.colourOrder '${input.colourOrder}' means ${channels} channels, ${at} has ${graphChannels}`,
    );
  }
  const side = (name: 'width' | 'height', ofGraph: number | string | null | undefined): number => {
    const wanted = input[name];
    const fixed = typeof ofGraph === 'number' ? ofGraph : undefined;
    if (wanted !== undefined && fixed !== undefined && wanted !== fixed) {
      problems.push(`input.${name} is ${wanted}, ${at} has ${fixed}`);
    }
    const value = fixed ?? wanted ?? metadata.inputSize?.[name];
    if (value === undefined) {
      problems.push(`input.${name} is missing and ${at} leaves it open`);
      return 1;
    }
    if (value > 16_384) problems.push(`${at}: ${name} ${value} is beyond 16384`);
    if (metadata.stride && fixed === undefined && value % metadata.stride !== 0) {
      problems.push(
        `input.${name} is ${value}, the model wants a multiple of ${metadata.stride} (metadata 'stride')`,
      );
    }
    return value;
  };
  const width = side('width', graphWidth);
  const height = side('height', graphHeight);
  checkSizeMultiple(input, at, { width: graphWidth, height: graphHeight }, problems);
  const normalisation = completeNormalisation(input, authored, dtype, channels, problems);
  if (problems.length > 0) throw mismatch(problems);
  return {
    name: graphInput.name,
    ...(input.sizeMultiple === undefined ? {} : { sizeMultiple: input.sizeMultiple }),
    isBatched,
    sizeInput,
    spec: {
      width,
      height,
      layout,
      dtype,
      colourOrder: input.colourOrder,
      ...fittingOf(input, authored, metadata),
      padValue: input.padValue,
      ...normalisation,
    },
  };
}

/** What follows the picture must be open in the graph, and end with a whole multiple. */
function checkSizeMultiple(
  { sizeMultiple, resize, ...input }: ModelInput,
  at: string,
  ofGraph: Readonly<Record<'width' | 'height', number | string | null | undefined>>,
  problems: string[],
): void {
  if (sizeMultiple === undefined) return;
  if (resize !== 'stretch' && resize !== 'line') {
    problems.push(
      `input.sizeMultiple is set with input.resize '${resize}': an input that follows the picture is for 'stretch' and 'line'`,
    );
  }
  for (const name of resize === 'line' ? (['width'] as const) : (['width', 'height'] as const)) {
    const fixed = ofGraph[name];
    const most = input[name];
    if (typeof fixed === 'number') {
      problems.push(`input.sizeMultiple is set, but ${at} fixes the ${name} at ${fixed}`);
    } else if (most !== undefined && most % sizeMultiple !== 0) {
      problems.push(
        `input.${name} is ${most}, expected a multiple of sizeMultiple ${sizeMultiple}`,
      );
    }
  }
}

function layoutOf(
  shape: readonly (number | string | null)[],
  channels: number,
): TensorLayout | undefined {
  if (shape[1] === channels) return 'nchw';
  if (shape[3] === channels) return 'nhwc';
  // Hugging Face's exporters leave every dimension open, and name them.
  return typeof shape[1] === 'string' && shape[1].includes('channels') ? 'nchw' : undefined;
}

/**
 * Floats are normalised, one value standing for every channel; bytes too where `quantisation` says how
 * they stand for values. uint8 without it takes pixels as they are.
 */
function completeNormalisation(
  input: ModelInput,
  authored: AuthoredInput,
  dtype: PictureDtype,
  channels: number,
  problems: string[],
): Pick<TensorSpec, 'scale' | 'mean' | 'std' | 'quantisation'> {
  const perChannel = (name: 'mean' | 'std'): number[] => {
    const values = input[name];
    if (!(name in authored)) return values.slice(0, channels);
    if (values.length === 1) return Array<number>(channels).fill(values[0]!);
    if (values.length !== channels) {
      problems.push(`input.${name} has ${values.length} values, expected 1 or ${channels}`);
    }
    return values;
  };
  const mean = perChannel('mean');
  const std = perChannel('std');
  const { scale, quantisation } = input;
  const holdsBytes = dtype === 'int8' || dtype === 'uint8';
  if (quantisation !== undefined) {
    if (!holdsBytes) {
      problems.push(`input.quantisation is set, but the graph takes ${dtype}: leave it out`);
    }
    const { zeroPoint } = quantisation;
    const [low, high] = dtype === 'int8' ? [-128, 127] : [0, 255];
    if (holdsBytes && (zeroPoint < low || zeroPoint > high)) {
      problems.push(
        `input.quantisation.zeroPoint is ${zeroPoint}, expected ${low} to ${high} for ${dtype}`,
      );
    }
    return { scale, mean, std, quantisation };
  }
  if (dtype === 'int8') {
    problems.push(
      'input.quantisation is missing, and the graph takes int8: set the scale and zeroPoint of the DequantizeLinear behind its input',
    );
  }
  if (dtype !== 'uint8') return { scale, mean, std };
  const isPlain =
    (!('scale' in authored) || scale === 1) &&
    mean.every((value) => value === 0) &&
    std.every((value) => value === 1);
  if (!isPlain) {
    problems.push(
      'input.scale, mean or std are set, but the graph takes uint8 pixels as they are: leave them out, or set input.quantisation',
    );
  }
  return { scale: 1, mean, std };
}

/**
 * Ultralytics letterboxes pictures, but crops those of classifiers as torchvision does; what the
 * author wrote comes first.
 */
function fittingOf(
  input: ModelInput,
  authored: AuthoredInput,
  metadata: ModelMetadata,
): Pick<TensorSpec, 'resize' | 'interpolation'> {
  const { resize, interpolation } = input;
  if (!isUltralytics(metadata)) return { resize, interpolation };
  const isClassifier = metadata.task === 'classify';
  return {
    resize: 'resize' in authored ? resize : isClassifier ? 'crop' : 'letterbox',
    interpolation:
      'interpolation' in authored || !isClassifier ? interpolation : 'bilinear-antialias',
  };
}
