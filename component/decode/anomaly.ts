import { VedetteError } from '../contract/errors.ts';
import type { AreaSearch } from '../../native/index.ts';
import type { Box, Size } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { AnomalyMap } from '../contract/ports.ts';
import type { Anomaly } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import { anomalyOutputs } from './anomaly-outputs.ts';
import type { AnomalyOutputs } from './anomaly-outputs.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { areasFrom, areasOfMask, gridSize } from './map-areas.ts';
import { numericValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { PictureGrid } from './picture-area.ts';
import { shapeInvalid } from './pick-output.ts';
import { outlineOf } from './simplify-contour.ts';

type Settings = Extract<ModelOutput, { decoder: 'anomaly' }>;

const MAX_AREAS = 100;
const MAX_MAP_SIDE = 128;

/**
 * Anomaly models: a score (one value), a map ([1, 1, H, W], [1, H, W] or [H, W]), or both, and where
 * present a mask (the shapes of a map; bool in new exports, integers or floats in old ones; set where
 * not 0). Map and mask lie over the whole input. Without a score it is the map's greatest value.
 * anomalib's `pred_label` is not read: the threshold of the manifest or the camera decides.
 *
 * Scores and maps are 0–1 with 0.5 as the trained threshold, as anomalib 2 exports them. Where the
 * graph ends before that (anomalib 1, OpenVINO Model API), `normalisation` makes them so:
 * (value − threshold) / scale + 0.5, cut to 0–1.
 *
 * `areaFraction` is the part of the shown picture (letterbox bars left out) that areas of at least
 * `minAreaFraction` cover; the 100 largest are given as polygons.
 */
export class AnomalyDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #names: AnomalyOutputs;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    this.#names = anomalyOutputs(settings, declarations);
  }

  outputNames(wantsAnomalyMap: boolean): readonly string[] {
    const { score, map, mask } = this.#names;
    const needsMap = wantsAnomalyMap || mask === undefined || score === undefined;
    return [score, mask, needsMap ? map : undefined].filter((name) => name !== undefined);
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const { score: scoreName, map: mapName, mask: maskName } = this.#names;
    const isMapThere = mapName !== undefined && (scoreName === undefined || outputs.has(mapName));
    const map = isMapThere ? requireOutput(outputs, mapName) : undefined;
    const mask = maskName === undefined ? undefined : requireOutput(outputs, maskName);
    const tensor = scoreName === undefined ? map! : requireOutput(outputs, scoreName);
    const score = this.#score(
      scoreName === undefined ? greatest(tensor) : onlyValue(tensor),
      tensor,
    );
    const threshold = context.thresholds.score ?? this.#settings.scoreThreshold;
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

  #score(value: number, { name }: TensorValue): number {
    const { normalisation } = this.#settings;
    if (normalisation) {
      const { imageThreshold, imageScale } = normalisation;
      return requireScore(normalised(value, imageThreshold, imageScale), name);
    }
    if (value >= -0.01 && value <= 1.01) return requireScore(value, name);
    throw new VedetteError(
      'OUTPUT_INVALID',
      `output '${name}' gives the score ${value}, expected 0 to 1: set output.normalisation (anomalib 1 wrote its values to metadata.json)`,
      { details: { output: name, value } },
    );
  }

  /** What a map's value must reach for 0–1 to reach `mapThreshold`. */
  #mapThreshold(): number {
    const { mapThreshold, normalisation } = this.#settings;
    if (!normalisation) return mapThreshold;
    // What is cut off below is at 0, too.
    if (mapThreshold === 0) return LEAST;
    return (mapThreshold - 0.5) * normalisation.pixelScale + normalisation.pixelThreshold;
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
      : areasFrom(tensor, this.#mapThreshold(), search);
    return {
      areaFraction: total === 0 ? 0 : fraction(cellCount, total),
      areas: areas.map((area) => ({
        polygon: outlineOf(area.contour).map((point) => grid.toSource(point)),
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
    const { normalisation } = this.#settings;
    const part = (mean: number) =>
      normalisation
        ? normalised(mean, normalisation.pixelThreshold, normalisation.pixelScale)
        : mean;
    return { ...shrink(map, cells, part), region };
  }
}

interface Grid {
  readonly size: Size;
  readonly values: ArrayLike<number>;
}

const fraction = (part: number, whole: number) => Math.round((part / whole) * 1e6) / 1e6;

/** Nothing is below it. */
const LEAST = -3.4e38;

const normalised = (value: number, threshold: number, scale: number): number =>
  Math.min(1, Math.max(0, (value - threshold) / scale + 0.5));

function onlyValue(tensor: TensorValue): number {
  const values = numericValues(tensor);
  if (values.length !== 1) throw shapeInvalid(tensor, 'one value');
  requireFinite(tensor, values);
  return values[0]!;
}

function greatest(tensor: TensorValue): number {
  const { values } = readGrid(tensor);
  let most = -Infinity;
  for (let index = 0; index < values.length; index += 1) most = Math.max(most, values[index]!);
  return most;
}

function readGrid(tensor: TensorValue): Grid {
  const size = gridSize(tensor);
  const values = numericValues(tensor);
  requireFinite(tensor, values);
  return { size, values };
}

/** The cells of the picture as means over blocks, 0–255, at most 128 cells a side. */
function shrink(
  map: Grid,
  cells: Box,
  part: (mean: number) => number,
): Size & { readonly data: Uint8Array<ArrayBuffer> } {
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
      const mean = part(sum / ((bottom - top) * (right - left)));
      data[y * width + x] = Math.max(0, Math.min(255, Math.round(mean * 255)));
    }
  }
  return { width, height, data };
}
