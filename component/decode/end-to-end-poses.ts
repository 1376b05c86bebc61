import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { BOX_COLUMNS, EndToEndRows } from './end-to-end-rows.ts';
import { rowKeypoints } from './keypoints.ts';
import { sourceBox } from './picture-area.ts';

type Settings = Extract<ModelOutput, { decoder: 'end-to-end-poses' }>;

/**
 * Ultralytics' YOLO26 pose and pose models exported with their suppression: one output
 * [1, N, 6 + K × 3], such as [1, 300, 57], each row x1, y1, x2, y2 in input pixels, score 0–1, class
 * index, then x and y in input pixels for each keypoint and, with three dimensions, its score 0–1.
 */
export class EndToEndPoses implements Decoder {
  readonly #settings: Settings;
  readonly #rows: EndToEndRows;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    const { keypointDimensions: dimensions = 3, keypointNames: names } = settings;
    this.#settings = settings;
    this.#rows = new EndToEndRows(settings, declarations, model, {
      isWidth: (columns) => {
        const extras = columns - BOX_COLUMNS;
        const isWhole = extras > 0 && extras % dimensions === 0;
        return isWhole && (names === undefined || names.length * dimensions === extras);
      },
      expected: `6 + ${names?.length ?? 'K'} × ${dimensions}`,
    });
  }

  outputNames(): readonly string[] {
    return [this.#rows.name];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const poses = this.#rows.read(outputs, context).flatMap((row) => {
      const { label, labelIndex, score, extras } = row;
      const box = sourceBox(row.box, context);
      if (!box) return [];
      const keypoints = rowKeypoints(extras, score, this.#settings, this.#rows.name, context);
      return [{ label, labelIndex, score, box, keypoints }];
    });
    return { findings: { poses: poses.slice(0, this.#settings.maxDetections) } };
  }
}
