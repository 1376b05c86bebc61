import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { tensorElements, type TensorSpec } from '../../component/contract/tensor.ts';
import { jpegToTensor, kernelName, KeptTensor } from '../../native/index.ts';
import { barPlot } from './bar-plot.ts';
import { busyFullHdJpeg, calmFullHdJpeg } from './bench-pictures.ts';
import { fastest, jpegTable, jpegTargets, type MeasuredJpeg, type Tried } from './jpeg-figures.ts';
import {
  compare,
  measureInterleaved,
  processMs,
  type LocalContender,
} from './measure-interleaved.ts';
import { startNativeBench } from './native-bench.ts';
import { digits, ms, ratio } from './number-text.ts';
import { SHARP_WAYS, SharpLetterbox } from './peers/sharp-letterbox.ts';
import { letterbox } from './raw-contenders.ts';
import { atMost } from './reach.ts';
import { distance } from './same-tensor.ts';
import type { BenchContext, Plot, Section, SectionReport, Table, Target } from './section.ts';
import { median } from './statistics.ts';

const WIDTH = 1920;
const HEIGHT = 1080;
const SIDES = [640, 224] as const;
const RULES = ['bilinear', 'area'] as const;
const ROUNDS = { rounds: 10, turnMs: 150 };
const MAX_PIXELS = 100_000_000;
/** Calls by which the ways of sharp are put in order before they are measured. */
const TRIAL_CALLS = 7;
const ENTROPY = 'entropy decoding alone';
const ENTROPY_AT_MOST = 1.45;
const ENTROPY_REASON =
  'Beside entropy decoding the inverse DCT of every block has to be worked out, which libjpeg-turbo does in vectors already, and the colours of the rows that the tensor needs. Tried: decoding rows as the tensor asks for them, and the chroma filter only where it is needed. A picture with few coefficients has little entropy decoding to be measured by, so the calm one has the greater ratio.';

export const jpegSection: Section = {
  name: 'jpeg',
  title: 'JPEG to tensor, beside sharp and beside entropy decoding alone',
  run: measureJpeg,
};

async function measureJpeg(context: BenchContext): Promise<SectionReport> {
  // One core against one core: libvips would take a thread for each.
  sharp.concurrency(1);
  sharp.cache(false);
  const { root, progress } = context;
  const pictures = { busy: await busyFullHdJpeg(root), calm: await calmFullHdJpeg(root) };
  const works: MeasuredJpeg[] = [];
  for (const [picture, jpeg] of Object.entries(pictures)) {
    for (const rule of RULES) {
      for (const side of SIDES) {
        progress(`${picture}, ${rule} → ${side}`);
        works.push(await measureWork(picture, jpeg, rule, side));
      }
    }
  }
  const entropy = await measureEntropy(pictures, context);
  return {
    method: METHOD,
    tables: [jpegTable(works), entropy.table],
    plots: [plot(works)],
    targets: [...jpegTargets(works), ...entropy.targets],
  };
}

async function measureWork(
  picture: string,
  jpeg: Buffer,
  interpolation: (typeof RULES)[number],
  side: number,
): Promise<MeasuredJpeg> {
  const spec: TensorSpec = { ...letterbox(side), interpolation };
  const kept = new KeptTensor(new Float32Array(tensorElements(spec)));
  const ours = () => jpegToTensor(jpeg, WHOLE_FRAME, spec, kept, MAX_PIXELS);
  ours();
  const ways: (LocalContender & Tried)[] = [];
  for (const way of SHARP_WAYS) {
    const peer = new SharpLetterbox(way, side);
    const run = () => peer.run(jpeg, WIDTH, HEIGHT);
    await run();
    // Bars are alike and no part of the picture.
    const levelsApart = (distance(peer.out, kept.data).mean * WIDTH) / HEIGHT;
    const times: number[] = [];
    for (let call = 0; call < TRIAL_CALLS; call++) {
      const begin = processMs();
      await run();
      times.push(processMs() - begin);
    }
    ways.push({ name: way.name, run, levelsApart, trialMs: median(times) });
  }
  const { same, any } = fastest(ways);
  const chosen = [...new Set([same, any])];
  const [addon, ...peers] = await measureInterleaved([{ name: 'addon', run: ours }, ...chosen], {
    ...ROUNDS,
    clock: processMs,
  });
  const peer = (way: LocalContender & Tried) => ({
    timing: peers[chosen.indexOf(way)]!,
    levelsApart: way.levelsApart,
  });
  return {
    picture: `${picture} (${Math.round(jpeg.byteLength / 1024)} KiB)`,
    rule: interpolation,
    side,
    addon: addon!,
    same: peer(same),
    any: peer(any),
  };
}

async function measureEntropy(
  pictures: Record<string, Buffer>,
  { folder, progress }: BenchContext,
): Promise<{ table: Table; targets: Target[] }> {
  mkdirSync(folder, { recursive: true });
  const files = Object.entries(pictures).map(([name, jpeg]) => {
    const file = path.join(folder, `${name}.jpg`);
    writeFileSync(file, jpeg);
    return file;
  });
  const { turns } = await startNativeBench(files);
  try {
    const chosen = kernelName();
    const rows: string[][] = [];
    const targets: Target[] = [];
    for (const picture of Object.keys(pictures)) {
      for (const side of SIDES) {
        const work = `${picture} ${side}`;
        progress(`${work} beside entropy decoding`);
        const [entropy, ours] = await measureInterleaved(
          [turns.contender(work, ENTROPY), turns.contender(work, chosen)],
          ROUNDS,
        );
        const against = compare(entropy!, ours!);
        rows.push([
          `${picture} → ${side}×${side}`,
          digits(ours!.medianMs),
          digits(entropy!.medianMs),
          ratio(against.ratio),
          `${ratio(against.lowest)}–${ratio(against.highest)}`,
        ]);
        const what = `JPEG 1920×1080, ${picture}, → ${side}×${side} beside its entropy decoding alone`;
        targets.push(atMost(what, ENTROPY_AT_MOST, against, ENTROPY_REASON));
      }
    }
    const columns = ['work', 'JPEG to tensor, ms', `${ENTROPY}, ms`, 'ratio', 'by round'];
    const says = `With ${chosen} kernels, \`bilinear\`, processor time. Entropy decoding is \`jpeg_read_coefficients\` of libjpeg-turbo: the part that every decoder has to do before it knows a pixel, whatever size is wanted.`;
    return { table: { columns, rows, says }, targets };
  } finally {
    await turns.close();
  }
}

function plot(works: readonly MeasuredJpeg[]): Plot {
  const groups = works
    .filter(({ rule }) => rule === 'bilinear')
    .map(({ picture, side, addon, same, any }) => ({
      name: `${picture} → ${side}×${side}`,
      bars: [
        { name: 'addon', value: addon.medianMs },
        { name: 'sharp + loop, same tensor', value: same.timing.medianMs },
        ...(any === same || any.timing === same.timing
          ? []
          : [{ name: 'sharp + loop, any tensor', value: any.timing.medianMs }]),
      ],
    }));
  const title = 'One JPEG of 1920×1080 to a float32 tensor, on one thread';
  const isOurs = (name: string) => name === 'addon';
  return {
    file: 'jpeg-to-tensor.svg',
    alt: `${title}: milliseconds, by who does it`,
    svg: barPlot({ title, text: ms, groups }, isOurs),
  };
}

const METHOD = [
  'The same tensor as above from a JPEG of 1920×1080, called from Node, in processor time of the whole process, since sharp works in threads of its own. The pictures are made from the samples in each run: «busy» is six walkway frames side by side, «calm» an enlarged photograph.',
  `Its peer is the best of ${SHARP_WAYS.length} ways to do it with sharp on one thread and a loop in JavaScript (\`test/bench/peers/sharp-letterbox.ts\`): sharp resizes with each of its kernels, with and without its eager decoding at a reduced size, and the loop makes planar floats; or sharp only decodes and the loop resizes too. All are tried, then the quickest takes turns with the addon.`,
  'For small tensors sharp lets libjpeg decode at a half, a quarter or an eighth of the size. That is quick and another picture: low-pass filtered, where `bilinear` takes its pixels as they are. «Same tensor» is the quickest way whose tensor is within 4 grey levels on average, «any tensor» the quickest of all. `area` averages, as sharp does, so that most ways make its tensor.',
].join('\n\n');
