import { VedetteError } from '../contract/errors.ts';
import type { AreaSearch } from '../../native/index.ts';
import type { Box, Size } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { AnomalyMap } from '../contract/ports.ts';
import type { Anomaly } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { areasFrom, areasOfMask, gridSize } from './map-areas.ts';
import {
  describeOutputs,
  numericValues,
  requireFinite,
  requireOutput,
  requireScore,
} from './output-values.ts';
import { PictureGrid } from './picture-area.ts';
import { shapeInvalid } from './pick-output.ts';
import { simplifyContour } from './simplify-contour.ts';

type Settings = Extract<ModelOutput, { decoder: 'anomaly' }>;

const SCORE = 'pred_score';
const MAP = 'anomaly_map';
const MASK = 'pred_mask';

const MAX_AREAS = 100;
const MAX_POLYGON_POINTS = 128;
/** In cells of the mask. */
const CONTOUR_TOLERANCE = 1;
const MAX_MAP_SIDE = 128;

/**
 * Anomaly models with anomalib's output names: `pred_score` (one value, 0–1), and where present
 * `anomaly_map` ([1, 1, H, W], [1, H, W] or [H, W], 0–1) and `pred_mask` (the same shapes; bool in
 * new exports, integers or floats in old ones; set where not 0). Map and mask lie over the whole
 * input. `pred_label` is not read: the threshold of the manifest or the camera decides.
 *
 * `areaFraction` is the part of the shown picture (letterbox bars left out) that areas of at least
 * `minAreaFraction` cover; the 100 largest are given as polygons.
 */
export class AnomalyDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #hasMap: boolean;
  readonly #hasMask: boolean;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const names = new Set(declarations.map(({ name }) => name));
    if (!names.has(SCORE)) {
      throw new VedetteError(
        'MODEL_MISMATCH',
        `output.decoder 'anomaly' reads the output '${SCORE}'; the graph has ${describeOutputs(declarations)}`,
        { details: { outputs: declarations } },
      );
    }
    this.#hasMap = names.has(MAP);
    this.#hasMask = names.has(MASK);
  }

  outputNames(wantsAnomalyMap: boolean): readonly string[] {
    const needsMap = this.#hasMap && (wantsAnomalyMap || !this.#hasMask);
    return [SCORE, ...(this.#hasMask ? [MASK] : []), ...(needsMap ? [MAP] : [])];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const score = readScore(requireOutput(outputs, SCORE));
    const threshold = context.thresholds.score ?? this.#settings.scoreThreshold;
    const map = this.#hasMap && outputs.has(MAP) ? requireOutput(outputs, MAP) : undefined;
    const mask = this.#hasMask ? requireOutput(outputs, MASK) : undefined;
    const anomaly: Anomaly = {
      score,
      threshold,
      isAnomalous: score >= threshold,
      ...this.#areas(mask, map, context),
    };
    const anomalyMap =
      map && context.wantsAnomalyMap ? this.#drawableMap(readGrid(map), context) : undefined;
    return { findings: { anomaly }, ...(anomalyMap ? { anomalyMap } : {}) };
  }

  /** Of the mask; of the map where it is at or above its threshold when there is no mask. */
  #areas(
    mask: TensorValue | undefined,
    map: TensorValue | undefined,
    context: DecodeContext,
  ): Pick<Anomaly, 'areas' | 'areaFraction'> {
    const tensor = mask ?? map;
    if (!tensor) return {};
    const size = gridSize(tensor);
    const grid = new PictureGrid(size, this.#model.spec, context);
    const within = grid.pictureCells();
    const total = within.width * within.height;
    const minCells = Math.max(1, this.#settings.minAreaFraction * total);
    const search: AreaSearch = { size, within, minCells, maxAreas: MAX_AREAS };
    const { cellCount, areas } = mask
      ? areasOfMask(mask, search)
      : areasFrom(tensor, this.#settings.mapThreshold, search);
    return {
      areaFraction: total === 0 ? 0 : fraction(cellCount, total),
      areas: areas.map((area) => ({
        polygon: simplifyContour(area.contour, CONTOUR_TOLERANCE, MAX_POLYGON_POINTS).map((point) =>
          grid.toSource(point),
        ),
        areaFraction: fraction(area.cellCount, total),
      })),
    };
  }

  #drawableMap(map: Grid, context: DecodeContext): AnomalyMap | undefined {
    const grid = new PictureGrid(map.size, this.#model.spec, context);
    const cells = grid.pictureCells();
    if (cells.width === 0 || cells.height === 0) return undefined;
    const from = grid.toSource(cells);
    const to = grid.toSource({ x: cells.x + cells.width, y: cells.y + cells.height });
    const region = { ...from, width: to.x - from.x, height: to.y - from.y };
    return { ...shrink(map, cells), region };
  }
}

interface Grid {
  readonly size: Size;
  readonly values: ArrayLike<number>;
}

const fraction = (part: number, whole: number) => Math.round((part / whole) * 1e6) / 1e6;

function readScore(tensor: TensorValue): number {
  const values = numericValues(tensor);
  if (values.length !== 1) throw shapeInvalid(tensor, 'one value');
  requireFinite(tensor, values);
  return requireScore(values[0]!, tensor.name);
}

function readGrid(tensor: TensorValue): Grid {
  const size = gridSize(tensor);
  const values = numericValues(tensor);
  requireFinite(tensor, values);
  return { size, values };
}

/** The cells of the picture as means over blocks, 0–255, at most 128 cells a side. */
function shrink(map: Grid, cells: Box): Size & { readonly data: Uint8Array<ArrayBuffer> } {
  const width = Math.min(cells.width, MAX_MAP_SIDE);
  const height = Math.min(cells.height, MAX_MAP_SIDE);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const top = Math.floor((y * cells.height) / height);
    const bottom = Math.floor(((y + 1) * cells.height) / height);
    for (let x = 0; x < width; x += 1) {
      const left = Math.floor((x * cells.width) / width);
      const right = Math.floor(((x + 1) * cells.width) / width);
      let sum = 0;
      for (let row = top; row < bottom; row += 1) {
        const start = (cells.y + row) * map.size.width + cells.x;
        for (let column = left; column < right; column += 1) sum += map.values[start + column]!;
      }
      const mean = sum / ((bottom - top) * (right - left));
      data[y * width + x] = Math.max(0, Math.min(255, Math.round(mean * 255)));
    }
  }
  return { width, height, data };
}
