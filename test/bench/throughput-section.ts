import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import * as runtime from 'onnxruntime-node';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { ModelSession } from '../../component/inference/model-session.ts';
import { modelSetup } from '../../component/inference/model-setup.ts';
import { readPackage } from '../../component/inference/package/read-package.ts';
import { BareWorkers } from './bare-workers.ts';
import { measureDecoderShare } from './decoder-share.ts';
import { applyLoad } from './http-load.ts';
import { compare, measureInterleaved } from './measure-interleaved.ts';
import { digits, ms, percent, ratio, span } from './number-text.ts';
import { applyPacedLoad } from './paced-load.ts';
import type { BenchContext, Section, SectionReport, Table, Target } from './section.ts';
import { median, quantile, range } from './statistics.ts';
import { sample, startVedette } from './vedette-process.ts';

const MODEL = 'coco-detector';
const CLIENTS = 8;
const ROUNDS = 5;
const TURN_MS = 2500;
const PACED_MS = 12_000;
const PACED_LOAD = 0.7;
/** Of bare ONNX Runtime's throughput. */
const LEAST_SHARE = 0.95;
const MOST_SPREAD = 1.5;
const BATCHES = [1, 2, 4, 8];

export const throughputSection: Section = {
  name: 'throughput',
  title: 'Throughput: beside bare ONNX Runtime, at an even pace, in shared runs',
  run: measureThroughput,
};

async function measureThroughput(context: BenchContext): Promise<SectionReport> {
  const workers = availableParallelism();
  const files = streetPictures(context.root);
  const pictures = files.map((file) => readFileSync(file));
  const { http, bare, latenciesMs, rate } = await measureService(context, files, pictures, workers);
  const batches = await measureBatches(context);
  const decoder = await measureDecoderShare(context);
  const share = median(http) / median(bare);
  const shares = range(http.map((value, round) => value / bare[round]!));
  const [p50, p99] = [quantile(latenciesMs, 0.5), quantile(latenciesMs, 0.99)];
  const targets: Target[] = [
    {
      what: `HTTP with ${CLIENTS} clients beside bare ONNX Runtime in as many workers`,
      reach: `≥ ${percent(LEAST_SHARE)}`,
      got: percent(share),
      byRound: `${percent(shares.lowest)}–${percent(shares.highest)}`,
      isReached: share >= LEAST_SHARE,
      missedBy: percent(1 - share / LEAST_SHARE),
      reason: `the clients, the server and the database share ${workers} processors with the ${workers} workers, bare ONNX Runtime has them to itself`,
    },
    {
      what: `p99 beside p50 at ${percent(PACED_LOAD)} of that throughput, evenly paced`,
      reach: `≤ ${ratio(MOST_SPREAD)}`,
      got: ratio(p99 / p50),
      isReached: p99 / p50 <= MOST_SPREAD,
      missedBy: percent(1 - (MOST_SPREAD * p50) / p99),
    },
    decoder.target,
  ];
  return {
    method: [
      `HTTP: the real server with ${workers} workers of one thread, asked by ${CLIENTS} clients of another process that keep their connections. Bare: as many worker threads in a process of their own, each of which decodes a JPEG with the addon into its tensor and calls \`session.run\`, and nothing else (\`test/bench/peers/bare-workers.ts\`). Same model, same pictures of \`samples/images/street\`, ${ROUNDS} rounds in turns. Beside what bare workers do, the server receives, queues, decodes detections, and stores each result with \`synchronous=FULL\`.`,
      `Evenly paced: ${digits(rate)} requests/s, each at its time whether the one before was answered or not; from when it was due to its answer.`,
      'Shared runs: the same pictures one by one and several in a run, in one thread, on a CPU.',
    ].join('\n\n'),
    tables: [
      serviceTable(http, bare, share),
      {
        columns: ['requests', 'p50, ms', 'p99, ms', 'p99 / p50'],
        rows: [[String(latenciesMs.length), digits(p50), digits(p99), ratio(p99 / p50)]],
        says: `At ${percent(PACED_LOAD)} load 99 of 100 requests are answered within ${ms(p99)}, half within ${ms(p50)}.`,
      },
      batches,
      decoder.table,
    ],
    targets,
  };
}

function streetPictures(root: string): string[] {
  const folder = sample(root, 'images/street');
  const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  return names.sort().map((name) => path.join(folder, name));
}

async function measureService(
  context: BenchContext,
  files: readonly string[],
  pictures: readonly Buffer[],
  workers: number,
) {
  const { root, progress } = context;
  const { modelFile, inputName, spec } = await readPackage(sample(root, `models/${MODEL}`), 'fp32');
  const work = { modelFile, inputName, spec, pictures: files, workers };
  const peer = await BareWorkers.start(root, work);
  try {
    const server = await startVedette(context, 'Vedette', {
      models: { [MODEL]: { package: sample(root, `models/${MODEL}`), variant: 'fp32', workers } },
    });
    try {
      const url = `${server.address}/api/v1/models/${MODEL}/infer`;
      await applyLoad({ url, pictures, clients: CLIENTS, durationMs: 1000 });
      const [http, bare]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round += 1) {
        progress(`round ${round + 1} of ${ROUNDS}`);
        const ours = async () => {
          const load = { url, pictures, clients: CLIENTS, durationMs: TURN_MS };
          http.push((await applyLoad(load)).requestsPerSecond);
        };
        const theirs = async () => {
          const turn = await peer.turn(TURN_MS);
          bare.push((turn.pictures * 1000) / turn.elapsedMs);
        };
        for (const turn of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await turn();
      }
      progress('evenly paced');
      const rate = PACED_LOAD * median(http);
      const paced = { url, pictures, requestsPerSecond: rate, durationMs: PACED_MS };
      return { http, bare, rate, latenciesMs: await applyPacedLoad(paced) };
    } finally {
      await server.close();
    }
  } finally {
    await peer.close();
  }
}

function serviceTable(http: readonly number[], bare: readonly number[], share: number): Table {
  const row = (name: string, values: readonly number[]) => {
    const { lowest, highest } = range(values);
    return [name, digits(median(values)), span(lowest, highest)];
  };
  return {
    columns: ['pictures', 'a second', 'by round'],
    rows: [
      row(`Vedette over HTTP, ${CLIENTS} clients`, http),
      row('bare ONNX Runtime with decoding', bare),
    ],
    says: `Over HTTP the machine judges ${percent(share)} of the pictures that bare ONNX Runtime does.`,
  };
}

/** A model whose batch dimension is free: eight pictures, so many to a run. */
async function measureBatches({ root, progress }: BenchContext): Promise<Table> {
  progress('shared runs');
  const read = await readPackage(sample(root, 'models/brick-anomaly'));
  const data = new Uint8Array(readFileSync(sample(root, 'images/brick/defect-00.png')));
  const most = Math.max(...BATCHES);
  const sessions: ModelSession[] = [];
  for (const batch of BATCHES) {
    const session = await ModelSession.open(runtime, modelSetup(read, 1, 100_000_000, batch));
    await session.warmUp();
    sessions.push(session);
  }
  const request = {
    image: { kind: 'encoded', data },
    views: Array.from({ length: most }, () => WHOLE_FRAME),
    thresholds: { labels: {} },
    wantsAnomalyMap: false,
  } as const;
  const contenders = sessions.map((session, index) => ({
    name: String(BATCHES[index]),
    run: () => session.judgeRegions(request),
  }));
  const timings = await measureInterleaved(contenders, { rounds: 6, turnMs: 400 });
  for (const session of sessions) await session.close();
  const [single] = timings;
  const gains = timings.map((timing) => compare(timing, single!));
  const best = gains.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  return {
    columns: ['pictures in a run', 'ms a picture', 'throughput beside one by one', 'by round'],
    rows: timings.map(({ name, medianMs }, index) => [
      name,
      digits(medianMs / most),
      ratio(gains[index]!.ratio),
      `${ratio(gains[index]!.lowest)}–${ratio(gains[index]!.highest)}`,
    ]),
    says:
      best.ratio > 1.03
        ? `brick-anomaly judges up to ${ratio(best.ratio)} as many pictures when they share runs.`
        : 'On this CPU brick-anomaly gains nothing when pictures share runs, which is why `maxBatch` is 1 unless set.',
  };
}
