import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { modelOutputSchema } from '../../component/contract/model-manifest.ts';
import type { TensorSpec } from '../../component/contract/tensor.ts';
import { createDecoder } from '../../component/decode/create-decoder.ts';
import type { DecodeContext } from '../../component/decode/decoder.ts';
import { measureAreas, type AreaFigure } from './area-figures.ts';
import { compare, measureInterleaved, type Timing } from './measure-interleaved.ts';
import { digits, ratio as times, span } from './number-text.ts';
import { JavaScriptYoloDetections } from './peers/javascript-yolo-detections.ts';
import { atLeast } from './reach.ts';
import type { BenchContext, Section, SectionReport, Table, Target } from './section.ts';
import { yoloScene } from './yolo-scene.ts';

export const postprocessSection: Section = {
  name: 'postprocess',
  title: 'Postprocessing in the addon',
  run: measurePostprocess,
};

const REACH = 5;
const spec: TensorSpec = {
  width: 640,
  height: 640,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'bilinear',
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};
const context: DecodeContext = {
  transform: {
    scaleX: 2,
    scaleY: 2,
    offsetX: 0,
    offsetY: -160,
    source: { width: 1280, height: 960 },
  },
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
};
const labels = Array.from({ length: 80 }, (_, index) => `class ${index}`);

export interface YoloHeadFigure {
  readonly scene: string;
  readonly detections: number;
  readonly addon: Timing;
  readonly javascript: Timing;
  /** How many times as long plain JavaScript takes: of the medians, and least and greatest by round. */
  readonly ratio: { readonly ratio: number; readonly lowest: number; readonly highest: number };
}

/**
 * From [1, 84, 8400] float32 to detections in source pixels on one thread, this repository's decoder
 * beside the same in plain JavaScript; both must give the same detections.
 */
export async function measureYoloHeads(rounds = 10): Promise<readonly YoloHeadFigure[]> {
  const settings = { scoreThreshold: 0.25, iouThreshold: 0.7, maxDetections: 300 };
  const shape = [1, 84, 8400];
  const decoder = createDecoder(
    modelOutputSchema.parse({ decoder: 'yolo-detections', ...settings }),
    [{ name: 'output0', dtype: 'float32', shape }],
    { labels, spec },
  );
  const head = {
    layout: 'channels-first',
    hasObjectness: false,
    channels: 84,
    classCount: 80,
  } as const;
  const peer = new JavaScriptYoloDetections(head, { ...settings, labels, isAgnostic: false });
  const scenes = [
    { scene: 'a calm scene, 10 candidates', tensor: yoloScene(3, 3, 1) },
    { scene: 'a crowded one, 300 candidates', tensor: yoloScene(40, 8, 2) },
  ];
  const contenders = scenes.flatMap(({ scene, tensor }) => {
    const outputs = new Map([['output0', tensor]]);
    return [
      {
        name: `${scene}: the addon`,
        run: () => decoder.decode(outputs, context).findings.detections!,
      },
      { name: `${scene}: plain JavaScript`, run: () => peer.decode(tensor, context) },
    ];
  });
  const counts = scenes.map(({ scene }, index) => {
    const [ours, theirs] = [contenders[2 * index]!.run(), contenders[2 * index + 1]!.run()];
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
      throw new Error(`${scene}: the addon and plain JavaScript give different detections`);
    }
    return ours.length;
  });
  const timings = await measureInterleaved(contenders, { rounds, turnMs: 150 });
  return scenes.map(({ scene }, index) => {
    const [addon, javascript] = [timings[2 * index]!, timings[2 * index + 1]!];
    return {
      scene,
      detections: counts[index]!,
      addon,
      javascript,
      ratio: compare(addon, javascript),
    };
  });
}

async function measurePostprocess({ progress }: BenchContext): Promise<SectionReport> {
  progress('YOLO heads');
  const figures = await measureYoloHeads();
  progress('areas of maps and masks');
  const areas = await measureAreas();
  return {
    method:
      'A made-up head `[1,84,8400]` float32 to suppressed detections in source pixels, on one thread, the checks of every value included, taking turns with the same in plain JavaScript. Both give the same detections. Then maps and masks to the outlines of their areas, in the same way.',
    tables: [
      {
        columns: ['work', 'median, ms', 'by round', 'addon against JavaScript'],
        rows: figures.flatMap(({ addon, javascript, ratio }) => [
          [
            addon.name,
            digits(addon.medianMs),
            span(addon.lowestMs, addon.highestMs),
            times(ratio.ratio),
          ],
          [
            javascript.name,
            digits(javascript.medianMs),
            span(javascript.lowestMs, javascript.highestMs),
            '',
          ],
        ]),
        says: figures
          .map(
            ({ scene, detections, ratio }) =>
              `For ${scene} and ${detections} detections the addon is ${times(ratio.ratio)} as fast.`,
          )
          .join(' '),
      },
      areaTable(areas),
    ],
    targets: figures.map(targetOf),
  };
}

function areaTable(figures: readonly AreaFigure[]): Table {
  const compared = figures.flatMap(({ work, addon, javascript }) =>
    javascript ? [`${times(compare(addon, javascript).ratio)} as fast for ${work}`] : [],
  );
  return {
    columns: ['work', 'median, ms', 'by round', 'addon against JavaScript'],
    rows: figures.flatMap(({ addon, javascript }) =>
      [addon, ...(javascript ? [javascript] : [])].map((timing) => [
        timing.name,
        digits(timing.medianMs),
        span(timing.lowestMs, timing.highestMs),
        timing === addon && javascript ? times(compare(addon, javascript).ratio) : '',
      ]),
    ),
    says: `The addon is ${compared.join(', and ')}.`,
  };
}

function targetOf({ scene, ratio }: YoloHeadFigure): Target {
  const what = `\`[84,8400]\` float32 to suppressed detections, ${scene}, beside plain JavaScript`;
  return atLeast(what, REACH, ratio);
}
