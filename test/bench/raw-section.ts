import { kernelName } from '../../native/index.ts';
import { barPlot } from './bar-plot.ts';
import { bytesTouched, type RawWork } from './bytes-touched.ts';
import { compare, measureInterleaved, type Timing } from './measure-interleaved.ts';
import { digits, ms, percent, ratio, span } from './number-text.ts';
import { RawContenders } from './raw-contenders.ts';
import {
  peerTables,
  rawTable,
  rawTargets,
  type Circumstances,
  type MeasuredWork,
} from './raw-figures.ts';
import { FORMATS, FROM_NODE, KEPT, OPENCV_CPP, PEERS, SIDES } from './raw-names.ts';
import { atMost } from './reach.ts';
import type { BenchContext, Plot, Section, SectionReport, Table, Target } from './section.ts';

const ROUNDS = { rounds: 10, turnMs: 60 };
/** Filling the caches takes most of a turn. */
const COLD_ROUNDS = { rounds: 5, turnMs: 120 };
/** Far beyond the last-level cache, so that a copy goes through memory. */
const CACHES = 4;
const LEAST_COPY_BYTES = 128 * 2 ** 20;
const MOST_COPY_BYTES = 512 * 2 ** 20;
const AREA_AT_MOST = 2.5;
const AREA_REASON =
  'At a ratio of 3 `bilinear` reads one row of three and one pixel of nine; `area` has to convert and add up all of them. Tried: sums of neighbours in vectors, rows added up in registers, shared chroma worked out once for the pixels that share it.';

export const rawSection: Section = {
  name: 'raw',
  title: 'Raw frames to tensor, beside OpenCV',
  run: measureRaw,
};

async function measureRaw(context: BenchContext): Promise<SectionReport> {
  const everyone = await RawContenders.start(context);
  try {
    const circumstances = { chosen: kernelName(), leftOut: everyone.leftOut };
    for (const reason of new Set(Object.values(everyone.leftOut))) {
      if (reason !== '') context.progress(`peers left out: ${reason}`);
    }
    const works = await measureWorks(everyone, context);
    const kernels = everyone.kernels('nv12 640');
    const area = await measureArea(everyone, circumstances, context);
    const bandwidth = await measureBandwidth(everyone, circumstances, context);
    return {
      method: method(everyone),
      tables: [
        rawTable(works, kernels),
        ...peerTables(works, kernels, circumstances),
        ...(await measureCold(everyone, kernels, context)),
        area.table,
        bandwidth,
      ],
      plots: [plot(works, circumstances)],
      targets: [...rawTargets(works, circumstances), ...area.targets],
    };
  } finally {
    await everyone.close();
  }
}

async function measureWorks(
  everyone: RawContenders,
  { progress }: BenchContext,
): Promise<MeasuredWork[]> {
  const works: MeasuredWork[] = [];
  for (const side of SIDES) {
    for (const format of FORMATS) {
      progress(`${format} → ${side}`);
      const { contenders, levelsApart } = await everyone.checked(format, side);
      const timings = await measureInterleaved(contenders, ROUNDS);
      works.push({
        format,
        side,
        timings: new Map(timings.map((timing) => [timing.name, timing])),
        levelsApart,
      });
    }
  }
  return works;
}

/** As a frame comes that a camera just wrote, after a model that filled the caches: C++ alone can. */
async function measureCold(
  { native: { turns }, leftOut }: RawContenders,
  kernels: readonly string[],
  { progress }: BenchContext,
): Promise<Table[]> {
  if (leftOut.cpp !== '') return [];
  const rows: string[][] = [];
  for (const side of SIDES) {
    progress(`cold caches, ${side}`);
    const names = [OPENCV_CPP, ...kernels];
    const [peer, ...ours] = await measureInterleaved(
      names.map((name) => turns.coldContender(`nv12 ${side}`, name)),
      COLD_ROUNDS,
    );
    rows.push([
      `NV12 → ${side}×${side}`,
      digits(peer!.medianMs),
      ...ours.flatMap((timing) => {
        const { ratio: times, lowest, highest } = compare(timing, peer!);
        return [
          digits(timing.medianMs),
          `${ratio(times)} (${lowest.toFixed(1)}–${highest.toFixed(1)})`,
        ];
      }),
    ]);
  }
  const columns = [
    'with cold caches',
    `${OPENCV_CPP}, ms`,
    ...kernels.flatMap((name) => [`${name}, ms`, `${OPENCV_CPP} / ${name}`]),
  ];
  const says =
    'The same after memory of twice the size of the last-level cache was written before each call: how it is when a camera has just written the frame and a model has used the caches. Whatever is fast then waits for memory, so the ratios are smaller.';
  return [{ columns, rows, says }];
}

async function measureArea(
  { native: { turns } }: RawContenders,
  { chosen }: Circumstances,
  { progress }: BenchContext,
): Promise<{ table: Table; targets: Target[] }> {
  const rows: string[][] = [];
  const targets: Target[] = [];
  for (const side of SIDES) {
    progress(`area, ${side}`);
    const contenders = [`nv12 ${side}`, `nv12 ${side} area`].map((work) =>
      turns.contender(work, chosen),
    );
    const [bilinear, area] = await measureInterleaved(contenders, ROUNDS);
    const against = compare(bilinear!, area!);
    rows.push([
      `NV12 → ${side}×${side}`,
      digits(bilinear!.medianMs),
      digits(area!.medianMs),
      ratio(against.ratio),
      `${ratio(against.lowest)}–${ratio(against.highest)}`,
    ]);
    if (side === 640) {
      const what = 'NV12 1920×1080 → 640×640 by area beside our bilinear';
      targets.push(atMost(what, AREA_AT_MOST, against, AREA_REASON));
    }
  }
  const columns = ['work', 'bilinear, ms', 'area, ms', 'area / bilinear', 'by round'];
  const says = `With ${chosen} kernels. At a ratio of 3 \`bilinear\` needs one pixel of nine and one row of three, \`area\` needs them all.`;
  return { table: { columns, rows, says }, targets };
}

/** What moves through memory, beside what the same memory moves in a plain copy. */
async function measureBandwidth(
  { native: { turns } }: RawContenders,
  { chosen }: Circumstances,
  { progress }: BenchContext,
): Promise<Table> {
  progress('copies of memory');
  const frame = { format: 'nv12', width: 1920, height: 1080 } as const;
  const works: RawWork[] = [
    ...SIDES.map((side) => ({ ...frame, side, interpolation: 'bilinear' as const })),
    { ...frame, side: 640, interpolation: 'area' },
  ];
  const farBytes = Math.min(
    MOST_COPY_BYTES,
    Math.max(LEAST_COPY_BYTES, CACHES * turns.list.cacheBytes),
  );
  const rows: string[][] = [];
  let farCopy: Timing | undefined;
  for (const work of works) {
    const bytes = bytesTouched(work);
    const name = `nv12 ${work.side}${work.interpolation === 'area' ? ' area' : ''}`;
    // A copy touches each byte twice: it reads as many as it writes.
    const [pass, near, far] = await measureInterleaved(
      [
        turns.contender(name, KEPT),
        turns.copy(Math.round(bytes / 2), 'near'),
        turns.copy(farBytes, 'far'),
      ],
      ROUNDS,
    );
    farCopy ??= far!;
    const perSecond = gigabytesPerSecond(bytes, pass!);
    rows.push([
      `NV12 → ${work.side}×${work.side}, ${work.interpolation}`,
      digits(bytes / 1e6),
      digits(perSecond),
      percent(perSecond / gigabytesPerSecond(bytes, near!)),
      percent(perSecond / gigabytesPerSecond(2 * farBytes, far!)),
    ]);
  }
  return {
    columns: ['work', 'touches, MB', 'GB/s', 'of a copy as large', 'of a copy beyond the caches'],
    rows,
    says: `One thread copies ${digits(gigabytesPerSecond(2 * farBytes, farCopy!))} GB/s between buffers of ${farBytes / 2 ** 20} MiB (by round ${span(gigabytesPerSecond(2 * farBytes, farCopy!, 'highestMs'), gigabytesPerSecond(2 * farBytes, farCopy!, 'lowestMs'))}), bytes read and written both counted; a copy as large as the work stays in the caches, as the work does. The pass, with ${chosen} kernels and kept bars, touches the rows that the tensor needs and the tensor without its bars.`,
  };
}

function gigabytesPerSecond(
  bytes: number,
  timing: Timing,
  which: 'medianMs' | 'lowestMs' | 'highestMs' = 'medianMs',
): number {
  return bytes / timing[which] / 1e6;
}

function plot(works: readonly MeasuredWork[], { chosen }: Circumstances): Plot {
  // Not the scalar kernels: they run where there is no AVX2, and stand in the table.
  const shown = [FROM_NODE, chosen, 'avx2', ...PEERS];
  const groups = works
    .filter(({ format }) => format === 'nv12')
    .map(({ side, timings }) => ({
      name: `→ ${side}×${side}`,
      bars: [...new Set(shown)]
        .map((name) => timings.get(name))
        .filter((timing) => timing !== undefined)
        .map(({ name, medianMs }) => ({ name, value: medianMs })),
    }));
  const title = 'One NV12 frame of 1920×1080 to a float32 tensor, on one thread';
  const isOurs = (name: string) => !PEERS.includes(name);
  return {
    file: 'raw-to-tensor.svg',
    alt: `${title}: milliseconds, by who does it`,
    svg: barPlot({ title, text: ms, groups }, isOurs),
  };
}

function method({ native, peers, leftOut }: RawContenders): string {
  const reasons = [...new Set([leftOut.cpp, leftOut.python])].filter((reason) => reason !== '');
  return [
    'One frame of 1920×1080 (the busy picture below, made from the samples) to a float32 tensor of 0–1, NCHW, RGB, letterboxed with grey 114, `bilinear`, one thread each. Everyone has the same frame and takes turns in a process of its own; times are processor time of the working thread, for the addon called from Node the time by the clock. Each contender’s tensor is compared before anything is timed: kernels have to be equal to the scalar one, OpenCV within 2.5 grey levels.',
    'C++ OpenCV as its users write it: `cvtColor`, `resize`, `copyMakeBorder`, `blobFromImage`, memory reused. Python OpenCV as usually written: the same up to the border, then `/ 255.0`, `transpose`, `astype(float32)` as in Ultralytics’ example for ONNX Runtime; «careful»: with `blobFromImage` in their place (`test/bench/peers/opencv_preprocess.py`). Kernels are forced one by one in a program of the core without Node and write the bars of the letterbox anew for each frame, as the peers do; «bars kept» and the addon called from Node leave them, with the kernels that this processor chooses. At 640 the ratio is 3: the weights of `bilinear` are zero and two rows of three are not read. At 512 and 224 it is 3.75 and 8.57 and every pixel is blended from four.',
    `Built by ${native.built}.${peers.length > 0 ? ` Peers: ${peers.join(', ')}.` : ''}`,
    reasons.length > 0 ? `Left out: ${reasons.join(' ')}` : '',
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}
