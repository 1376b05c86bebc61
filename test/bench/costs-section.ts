import {
  RAW_PIXEL_FORMATS,
  WHOLE_FRAME,
  type RawPixelFormat,
} from '../../component/contract/frame.ts';
import {
  createTensorData,
  PICTURE_DTYPES,
  type Interpolation,
  type PictureDtype,
  type TensorSpec,
} from '../../component/contract/tensor.ts';
import { kernelName, KeptTensor, packedFrameBytes, rawToTensor } from '../../native/index.ts';
import {
  measureInterleaved,
  processMs,
  type LocalContender,
  type Timing,
} from './measure-interleaved.ts';
import { digits } from './number-text.ts';
import { letterbox } from './raw-contenders.ts';
import type { BenchContext, Section, SectionReport, Table } from './section.ts';

const SIZE = { width: 1920, height: 1080 };
const ROUNDS = { rounds: 5, turnMs: 20, clock: processMs };
const INTERPOLATIONS: readonly Interpolation[] = [
  'nearest',
  'bilinear',
  'area',
  'bilinear-antialias',
  'bicubic-antialias',
];
const SIDES = [640, 512, 224] as const;

export const costsSection: Section = {
  name: 'costs',
  title: 'What each format, rule and output costs',
  run: measureCosts,
};

async function measureCosts({ progress }: BenchContext): Promise<SectionReport> {
  progress('formats');
  const formats = await table('1920×1080 from', RAW_PIXEL_FORMATS, [
    { title: '→ 640 bilinear', work: (format) => contender(format, letterbox(640)) },
    { title: '→ 512 bilinear', work: (format) => contender(format, letterbox(512)) },
    { title: '→ 224 bilinear', work: (format) => contender(format, letterbox(224)) },
    {
      title: '→ 640 area',
      work: (format) => contender(format, { ...letterbox(640), interpolation: 'area' }),
    },
  ]);
  progress('rules');
  const rules = await table(
    'NV12 by',
    INTERPOLATIONS,
    SIDES.map((side) => ({
      title: `→ ${side}`,
      work: (interpolation) => contender('nv12', { ...letterbox(side), interpolation }),
    })),
  );
  progress('outputs');
  const outputs = await table(
    'NV12 → 640, bilinear, to',
    PICTURE_DTYPES,
    (['nchw', 'nhwc'] as const).flatMap((layout) =>
      (['rgb', 'gray'] as const).map((colourOrder) => ({
        title: `${layout}, ${colourOrder}`,
        work: (dtype) => contender('nv12', outputSpec(dtype, layout, colourOrder)),
      })),
    ),
  );
  return {
    method: `Milliseconds of processor time of one call from Node, with ${kernelName()} kernels, letterboxed, bars kept; float32, NCHW and RGB where nothing else is said. The frames are made up: no cost depends on what they show.`,
    tables: [formats, rules, outputs],
  };
}

interface Column<Row> {
  readonly title: string;
  readonly work: (row: Row) => LocalContender;
}

async function table<Row extends string>(
  title: string,
  names: readonly Row[],
  columns: readonly Column<Row>[],
): Promise<Table> {
  const timings: Timing[][] = [];
  for (const name of names) {
    const contenders = columns.map(({ work }) => work(name));
    timings.push([...(await measureInterleaved(contenders, ROUNDS))]);
  }
  const all = timings.flatMap((row, index) =>
    row.map(({ medianMs }, column) => ({
      medianMs,
      what: `${names[index]} ${columns[column]!.title}`,
    })),
  );
  all.sort((a, b) => a.medianMs - b.medianMs);
  const [least, most] = [all[0]!, all.at(-1)!];
  return {
    columns: [title, ...columns.map((column) => column.title)],
    rows: names.map((name, index) => [
      `\`${name}\``,
      ...timings[index]!.map(({ medianMs }) => digits(medianMs)),
    ]),
    says: `From ${digits(least.medianMs)} ms (${least.what}) to ${digits(most.medianMs)} ms (${most.what}).`,
  };
}

function outputSpec(
  dtype: PictureDtype,
  layout: TensorSpec['layout'],
  colourOrder: TensorSpec['colourOrder'],
): TensorSpec {
  const channels = colourOrder === 'gray' ? 1 : 3;
  return {
    ...letterbox(640),
    dtype,
    layout,
    colourOrder,
    ...(dtype === 'uint8' ? { scale: 1 } : {}),
    ...(dtype === 'int8' ? { quantisation: { scale: 1 / 255, zeroPoint: -128 } } : {}),
    mean: new Array<number>(channels).fill(0),
    std: new Array<number>(channels).fill(1),
  };
}

function contender(format: RawPixelFormat, spec: TensorSpec): LocalContender {
  const data = new Uint8Array(packedFrameBytes(format, SIZE));
  for (let index = 0; index < data.length; index++) data[index] = 60 + ((index >> 5) & 63);
  const out = new KeptTensor(createTensorData(spec));
  const image = { ...SIZE, format, data };
  return {
    name: format,
    run: () => rawToTensor(image, WHOLE_FRAME, spec, out),
  };
}
