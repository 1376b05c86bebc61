import { modelOutputSchema } from '../../component/contract/model-manifest.ts';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import type { TensorSpec } from '../../component/contract/tensor.ts';
import { createDecoder } from '../../component/decode/create-decoder.ts';
import { walkwayJpeg } from './bench-pictures.ts';
import { LoadedModel } from './loaded-model.ts';
import { compare, measureInterleaved } from './measure-interleaved.ts';
import { digits, percent } from './number-text.ts';
import type { BenchContext, Table, Target } from './section.ts';
import { yoloScene } from './yolo-scene.ts';

const MOST_SHARE = 0.03;

/**
 * What decoding costs beside the run of the model. The head is that of a YOLO of 640×640; the model is
 * coco-detector, a YOLO26-n of 512×512, which takes less time than one of 640×640 would: the share is
 * an upper bound.
 */
export async function measureDecoderShare({
  root,
  progress,
}: BenchContext): Promise<{ readonly table: Table; readonly target: Target }> {
  progress('the decoder beside the model');
  const model = await LoadedModel.open(root, 'coco-detector', 'fp32');
  await model.show(walkwayJpeg(root));
  const spec: TensorSpec = { ...model.package.spec, width: 640, height: 640 };
  const decoder = createDecoder(
    modelOutputSchema.parse({ decoder: 'yolo-detections' }),
    [{ name: 'output0', dtype: 'float32', shape: [1, 84, 8400] }],
    { labels: [], spec },
  );
  const outputs = new Map([['output0', yoloScene(40, 8, 2)]]);
  const source = { width: 640, height: 640 };
  const transform = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0, source };
  const context = {
    transform,
    view: WHOLE_FRAME,
    thresholds: { labels: {} },
    wantsAnomalyMap: false,
  };
  const timings = await measureInterleaved(
    [
      { name: 'the model’s run', run: () => model.run() },
      { name: 'the decoder', run: () => decoder.decode(outputs, context) },
    ],
    { rounds: 6, turnMs: 400 },
  );
  await model.close();
  const [run, decode] = timings as [(typeof timings)[number], (typeof timings)[number]];
  const { ratio: share, lowest, highest } = compare(run, decode);
  return {
    table: {
      columns: ['work', 'median, ms'],
      rows: timings.map(({ name, medianMs }) => [name, digits(medianMs)]),
      says: `Decoding a crowded head of 8,400 candidates takes ${percent(share)} of the run of coco-detector at 512×512, and less of a model at 640×640.`,
    },
    target: {
      what: 'decoder beside the run of YOLO-n at 640 (upper bound: the model runs at 512)',
      reach: `< ${percent(MOST_SHARE)}`,
      got: percent(share),
      byRound: `${percent(lowest)}–${percent(highest)}`,
      isReached: share < MOST_SHARE,
      missedBy: percent(1 - MOST_SHARE / share),
    },
  };
}
