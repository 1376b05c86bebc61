import sharp from 'sharp';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { tensorElements, type TensorSpec } from '../../component/contract/tensor.ts';
import { jpegToTensor, rawToTensor } from '../../native/index.ts';
import {
  busyFullHdJpeg,
  calmFullHdJpeg,
  walkwayJpeg,
  yuvFrame,
  type YuvFormat,
} from './bench-pictures.ts';
import { compare, measureInterleaved } from './measure-interleaved.ts';
import { digits, ratio, span } from './number-text.ts';
import { SharpToTensor, YuvToTensor } from './peers/javascript-preprocess.ts';
import type { BenchContext, Section, SectionReport } from './section.ts';
import { range } from './statistics.ts';

const COCO: TensorSpec = {
  width: 512,
  height: 512,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'stretch',
  interpolation: 'bilinear',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 0,
};
const LETTERBOX: TensorSpec = {
  ...COCO,
  width: 640,
  height: 640,
  resize: 'letterbox',
  scale: 1 / 255,
  padValue: 114,
};
const MAX_PIXELS = 100_000_000;
const ROUNDS = { rounds: 10, turnMs: 250 };
/** Both make the same picture when they differ by no more than this on average, in grey levels. */
const MAX_MEAN_DIFFERENCE = 4;

interface Work {
  readonly title: string;
  readonly peer: string;
  readonly ours: () => unknown;
  readonly theirs: () => unknown;
  readonly outputs: readonly [ours: Float32Array, theirs: Float32Array];
  /** Values of a tensor for one grey level. */
  readonly greyLevel: number;
}

export const preprocessSection: Section = {
  name: 'preprocess',
  title: 'Pixels to tensor',
  run: measurePreprocess,
};

async function measurePreprocess({ root, progress }: BenchContext): Promise<SectionReport> {
  // One core against one core: libvips would take a thread for each.
  sharp.concurrency(1);
  const busy = await busyFullHdJpeg(root);
  const works = [
    jpegWork('JPEG 768×576 → 512×512 stretched', walkwayJpeg(root)),
    jpegWork('JPEG 1920×1080, busy → 512×512 stretched', busy),
    jpegWork('JPEG 1920×1080, calm → 512×512 stretched', await calmFullHdJpeg(root)),
    await yuvWork('i420', busy),
    await yuvWork('nv12', busy),
  ];
  const rows: string[][] = [];
  const ratios: number[] = [];
  for (const work of works) {
    progress(work.title);
    const difference = await meanDifference(work);
    const [ours, theirs] = await measureInterleaved(
      [
        { name: 'addon', run: work.ours },
        { name: work.peer, run: work.theirs },
      ],
      ROUNDS,
    );
    const against = compare(ours!, theirs!);
    ratios.push(against.ratio);
    rows.push([
      work.title,
      digits(ours!.medianMs),
      span(ours!.lowestMs, ours!.highestMs),
      work.peer,
      digits(theirs!.medianMs),
      span(theirs!.lowestMs, theirs!.highestMs),
      ratio(against.ratio),
      `${ratio(against.lowest)}–${ratio(against.highest)}`,
      difference.toFixed(2),
    ]);
  }
  return {
    method:
      "One call of the addon, on one thread, against the same work without it: JPEG by sharp (libvips on one thread) and a loop from interleaved bytes to planar floats, raw frames by one fused loop in JavaScript. The 1920×1080 pictures are made from the samples: «busy» is six walkway frames side by side, «calm» an enlarged photograph. The last column is how far the two tensors differ on average, in grey levels (sharp's scaling is anti-aliased, the models' is not); above 4 the comparison is refused.",
    tables: [
      {
        columns: [
          'work',
          'addon, ms',
          'by round',
          'peer',
          'peer, ms',
          'by round',
          'peer / addon',
          'by round',
          'difference',
        ],
        rows,
        says: says(works, ratios),
      },
    ],
  };
}

function says(works: readonly Work[], ratios: readonly number[]): string {
  const { lowest, highest } = range(ratios);
  const slower = works.filter((_, index) => ratios[index]! < 1).map(({ title }) => title);
  const lead = `Its peers take ${ratio(lowest)} to ${ratio(highest)} the time of the addon.`;
  if (slower.length === 0) return `${lead} The addon is faster in all of them.`;
  if (slower.length === works.length) return `${lead} The addon is slower in all of them.`;
  return `${lead} The addon is slower in: ${slower.join('; ')}.`;
}

function jpegWork(title: string, jpeg: Buffer): Work {
  const out = new Float32Array(tensorElements(COCO)).fill(1);
  const peer = new SharpToTensor(COCO.width);
  return {
    title: `${title} (${Math.round(jpeg.byteLength / 1024)} KiB)`,
    peer: 'sharp + loop',
    ours: () => jpegToTensor(jpeg, WHOLE_FRAME, COCO, out, MAX_PIXELS),
    theirs: () => peer.run(jpeg),
    outputs: [out, peer.out],
    greyLevel: COCO.scale,
  };
}

async function yuvWork(format: YuvFormat, jpeg: Buffer): Promise<Work> {
  const frame = await yuvFrame(jpeg, format);
  const out = new Float32Array(tensorElements(LETTERBOX)).fill(1);
  const peer = new YuvToTensor(format, frame.width, frame.height, LETTERBOX.width);
  return {
    title: `${format.toUpperCase()} 1920×1080 → 640×640 letterboxed`,
    peer: 'fused loop',
    ours: () => rawToTensor(frame, WHOLE_FRAME, LETTERBOX, out),
    theirs: () => peer.run(frame.data),
    outputs: [out, peer.out],
    greyLevel: LETTERBOX.scale,
  };
}

async function meanDifference({ title, ours, theirs, outputs, greyLevel }: Work): Promise<number> {
  ours();
  await theirs();
  const [a, b] = outputs;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  const difference = sum / a.length / greyLevel;
  if (difference > MAX_MEAN_DIFFERENCE) {
    throw new Error(
      `${title}: the tensors differ by ${difference.toFixed(1)} grey levels on average, at most ${MAX_MEAN_DIFFERENCE} count as the same work`,
    );
  }
  return difference;
}
