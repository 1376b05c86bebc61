import type { Point, Size } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TextLine } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { areasFrom, gridSize } from './map-areas.ts';
import { cornersOf, minimumAreaRectangle } from './minimum-area-rectangle.ts';
import type { TurnedRectangle } from './minimum-area-rectangle.ts';
import { floatValues, requireOutput, requireScore } from './output-values.ts';
import { PictureGrid } from './picture-area.ts';
import { mayBe, pickOutput } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'text-detection' }>;

const DECODER = 'text-detection';
/** What a line must have gained in cells by growing, as PaddleOCR has it. */
const MIN_GROWTH = 2;

/**
 * Detectors of text by differentiable binarisation (DB, M. Liao et al. 2020) as PaddleOCR exports
 * them: one map [1, 1, H, W] that lies over the whole input, 0–1. As PaddleOCR's `DBPostProcess`:
 *
 * 1. Connected areas (eight neighbours) of cells at or above `mapThreshold`, the largest first.
 * 2. The rectangle of least area around the centres of an area's cells; dropped when its shorter side
 *    has fewer than `minSide` cells.
 * 3. Score: mean of the map inside the rectangle; dropped below the threshold.
 * 4. Grown on every side by distance = area × `unclipRatio` ÷ perimeter. PaddleOCR offsets the
 *    rectangle with round corners (Vatti) and fits a rectangle of least area around that again. Turned
 *    by φ the grown shape reaches exactly 2 × distance farther than the rectangle in each direction, of
 *    which both extents (w cos φ + h sin φ, w sin φ + h cos φ) have their least product and their least
 *    sum at φ = 0: the fit is the rectangle with 2 × distance added to both sides.
 * 5. Dropped when the shorter side is now below `minSide` + 2. Corners to source pixels.
 *
 * Lines come in reading order: from above to below, those beside each other from left to right.
 */
export class TextDetection implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    this.#output = pickOutput(
      { decoder: DECODER, name: settings.output, expected: '[1, 1, H, W]', canBe },
      declarations,
    ).name;
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    const { mapThreshold, minSide, unclipRatio, maxLines } = this.#settings;
    const size = gridSize(tensor);
    const grid = new PictureGrid(size, this.#model.spec, context);
    // Cells that touch with a corner lie √2 apart.
    const minCells = Math.ceil(minSide / Math.SQRT2) + 1;
    const search = { size, within: grid.pictureCells(), minCells, maxAreas: maxLines };
    const { areas } = areasFrom(tensor, mapThreshold, search);
    const values = floatValues(tensor);
    const threshold = context.thresholds.score ?? this.#settings.scoreThreshold;
    const lines: TextLine[] = [];
    for (const { contour } of areas) {
      const tight = minimumAreaRectangle(contour);
      if (Math.min(tight.width, tight.height) < minSide) continue;
      const score = requireScore(meanInside(values, size, tight), this.#output);
      if (score < threshold) continue;
      const distance =
        (tight.width * tight.height * unclipRatio) / (2 * (tight.width + tight.height));
      const grown = {
        ...tight,
        width: tight.width + 2 * distance,
        height: tight.height + 2 * distance,
      };
      if (Math.min(grown.width, grown.height) < minSide + MIN_GROWTH) continue;
      lines.push({ score, polygon: cornersOf(grown).map((corner) => grid.toSource(corner)) });
    }
    return { findings: { text: inReadingOrder(lines) } };
  }
}

const canBe = (shape: TensorDeclaration['shape']): boolean =>
  shape.length === 4 && mayBe(shape[0], 1) && mayBe(shape[1], 1);

/** Mean of the cells whose centres lie in the rectangle, its edge included. */
function meanInside(values: Float32Array, size: Size, rectangle: TurnedRectangle): number {
  const { centre, along, width, height } = rectangle;
  const corners = cornersOf(rectangle);
  const [left, right] = cellsBetween(
    corners.map(({ x }) => x),
    size.width,
  );
  const [top, bottom] = cellsBetween(
    corners.map(({ y }) => y),
    size.height,
  );
  const [reachU, reachV] = [width / 2 + 1e-6, height / 2 + 1e-6];
  let sum = 0;
  let count = 0;
  for (let row = top; row < bottom; row += 1) {
    const y = row + 0.5 - centre.y;
    for (let column = left; column < right; column += 1) {
      const x = column + 0.5 - centre.x;
      if (Math.abs(x * along.x + y * along.y) > reachU) continue;
      if (Math.abs(y * along.x - x * along.y) > reachV) continue;
      sum += values[row * size.width + column]!;
      count += 1;
    }
  }
  return count === 0 ? 0 : sum / count;
}

function cellsBetween(places: readonly number[], cells: number): [number, number] {
  return [
    Math.max(0, Math.floor(Math.min(...places))),
    Math.min(cells, Math.ceil(Math.max(...places))),
  ];
}

/** Lines lie beside each other when the middle of one is less than half its height from the other's. */
function inReadingOrder(lines: readonly TextLine[]): TextLine[] {
  const placed = lines
    .map((line) => ({ line, ...placeOf(line.polygon!) }))
    .sort((a, b) => a.y - b.y || a.x - b.x);
  const rows: (typeof placed)[] = [];
  for (const one of placed) {
    const row = rows.at(-1);
    const first = row?.[0];
    if (row && first && one.y - first.y < Math.min(one.height, first.height) / 2) row.push(one);
    else rows.push([one]);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.x - b.x).map(({ line }) => line));
}

function placeOf([first, second, third, fourth]: readonly Point[]) {
  const x = (first!.x + second!.x + third!.x + fourth!.x) / 4;
  const y = (first!.y + second!.y + third!.y + fourth!.y) / 4;
  return { x, y, height: Math.hypot(fourth!.x - first!.x, fourth!.y - first!.y) };
}
