import { classAreas } from '../../native/index.ts';
import type { ClassMap, ClassMapData } from '../../native/index.ts';
import type { Size } from '../contract/frame.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Segment } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { mapInvalid } from './map-areas.ts';
import { floatValues, requireOutput } from './output-values.ts';
import { outputMismatch, pickOutput, shapeInvalid } from './pick-output.ts';
import { PictureGrid } from './picture-area.ts';
import { classMapOf, CLASS_MAP_SHAPES, isIndexType } from './class-map-layout.ts';
import { outlineOf } from './simplify-contour.ts';

type Settings = Extract<ModelOutput, { decoder: 'semantic-segmentation' }>;

const DECODER = 'semantic-segmentation';
const MAX_POLYGONS = 100;

/**
 * Models that say of every place which class it belongs to: scores [1, C, H, W] or [1, H, W, C], of
 * which the greatest counts (the first of equal ones), or class indices [1, H, W] or [1, 1, H, W],
 * uint8, int32 or int64. The map lies over the whole input.
 *
 * `areaFraction` is the part of the shown picture (letterbox bars left out) that a class covers; a
 * class that covers less than `minAreaFraction`, and the background, are left out. Polygons are the
 * outlines of its connected areas of at least that size; of all classes together the 100 largest.
 */
export class SemanticSegmentation implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #output: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const output = pickOutput(
      {
        decoder: DECODER,
        name: settings.output,
        expected: CLASS_MAP_SHAPES,
        canBe: (shape) => shape.length === 3 || shape.length === 4,
        isType: (dtype) => dtype.startsWith('float') || isIndexType(dtype),
      },
      declarations,
    );
    this.#output = output.name;
    const problem = classMapOf(output, settings.layout, model.labels.length);
    if (typeof problem === 'string' && output.shape.length > 0) {
      throw outputMismatch(DECODER, `'${output.name}': ${problem}`, declarations);
    }
    const { background } = settings;
    const { length } = model.labels;
    if (background !== undefined && length > 0 && background >= length) {
      throw outputMismatch(
        DECODER,
        `output.background is ${background}, there are ${length} labels`,
        declarations,
      );
    }
  }

  outputNames(): readonly string[] {
    return [this.#output];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const tensor = requireOutput(outputs, this.#output);
    const found = classMapOf(tensor, this.#settings.layout, this.#model.labels.length);
    if (typeof found === 'string' || found === undefined) {
      throw shapeInvalid(tensor, found ?? CLASS_MAP_SHAPES);
    }
    const { width, height, classCount, isLast } = found;
    const size = { width: Number(width), height: Number(height) };
    const grid = new PictureGrid(size, this.#model.spec, context);
    const map: ClassMap = { classCount, isLast, background: this.#settings.background };
    return { findings: { segments: this.#segments(tensor, map, size, grid) } };
  }

  #segments(tensor: TensorValue, map: ClassMap, size: Size, grid: PictureGrid): Segment[] {
    const within = grid.pictureCells();
    const total = within.width * within.height;
    const minCells = Math.max(1, this.#settings.minAreaFraction * total);
    const search = { size, within, minCells, maxAreas: MAX_POLYGONS };
    const found = classAreas(classData(tensor), map, search);
    if ('kind' in found) throw mapInvalid(tensor, found);
    const segments: Segment[] = [];
    found.counts.forEach((cells, labelIndex) => {
      if (cells < minCells || labelIndex === map.background) return;
      segments.push({
        label: this.#model.labels[labelIndex] ?? String(labelIndex),
        labelIndex,
        areaFraction: Math.round((cells / total) * 1e6) / 1e6,
        polygons: found.areas
          .filter((area) => area.labelIndex === labelIndex)
          .map(({ contour }) => outlineOf(contour).map((point) => grid.toSource(point))),
      });
    });
    return segments.sort(
      (a, b) =>
        found.counts[b.labelIndex]! - found.counts[a.labelIndex]! || a.labelIndex - b.labelIndex,
    );
  }
}

function classData(tensor: TensorValue): ClassMapData {
  const { data, dtype } = tensor;
  return isIndexType(dtype) || dtype === 'float16' ? (data as ClassMapData) : floatValues(tensor);
}
