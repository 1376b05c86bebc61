import { readFileSync } from 'node:fs';
import { missingPython, startContenders, type HttpContender } from './http-contenders.ts';
import { applyLoad, postPicture } from './http-load.ts';
import { linePlot, axisEnd } from './line-plot.ts';
import { LOOP_COLUMNS, loopCells, loopDelay, type LoopReport } from './loop-delay.ts';
import { digits, ms, ratio, span } from './number-text.ts';
import {
  detectionProblems,
  PEER_TOLERANCE,
  SAMPLE_TOLERANCE,
  type SeenObject,
} from './same-detections.ts';
import type { BenchContext, Plot, Section, SectionReport, Table } from './section.ts';
import { residentBytes } from './server-process.ts';
import { ascending, median, quantile, range } from './statistics.ts';
import { sample } from './vedette-process.ts';

const CLIENTS = [1, 8];
const ROUNDS = 4;
const TURN_MS = 2500;
const WARM_UP_MS = 1500;
const PLOT_POINTS = 200;

export const httpSection: Section = {
  name: 'http',
  title: 'Inference over HTTP',
  run: measureHttp,
};

interface Picture {
  readonly file: string;
  readonly data: Buffer;
  readonly expected: readonly SeenObject[];
}

/** What one service did in all rounds with one number of clients. */
class Record {
  readonly requestsPerSecond: number[] = [];
  readonly latenciesMs: number[] = [];
  readonly loops: LoopReport[] = [];
  readonly contender: HttpContender;
  readonly clients: number;

  constructor(contender: HttpContender, clients: number) {
    this.contender = contender;
    this.clients = clients;
  }

  /** CPU of the whole service for one request; `undefined` when it does not tell. */
  get cpuMs(): number | undefined {
    if (this.loops.length === 0) return undefined;
    const seconds = this.loops.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    return (seconds * 1000) / this.latenciesMs.length;
  }

  get throughput(): number {
    return median(this.requestsPerSecond);
  }
}

async function measureHttp(context: BenchContext): Promise<SectionReport> {
  const pictures = readPictures(context.root);
  const missing = missingPython();
  context.progress(missing ? `without Python: ${missing}` : 'with Python');
  const contenders = await startContenders(context);
  try {
    context.progress('do all give the same detections?');
    for (const contender of contenders) await requireSameDetections(contender, pictures);
    const records = await takeTurns(context, contenders, pictures);
    return report(records, missing);
  } finally {
    for (const { server } of contenders) await server.close();
  }
}

function readPictures(root: string): Picture[] {
  const folder = sample(root, 'images/street');
  const expected = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as {
    [file: string]: { detections: SeenObject[] };
  };
  return Object.entries(expected).map(([file, { detections }]) => ({
    file,
    data: readFileSync(`${folder}/${file}`),
    expected: detections,
  }));
}

async function requireSameDetections(
  { name, family, url }: HttpContender,
  pictures: readonly Picture[],
): Promise<void> {
  const tolerance = family === 'vedette' ? SAMPLE_TOLERANCE : PEER_TOLERANCE;
  for (const { file, data, expected } of pictures) {
    const { detections } = JSON.parse(await postPicture(url, data)) as { detections: SeenObject[] };
    const problems = detectionProblems(detections, expected, tolerance);
    if (problems.length === 0) continue;
    throw new Error(
      `${name} does not do the same work, so nothing is compared. ${file}: ${problems.join('; ')}`,
    );
  }
}

async function takeTurns(
  { progress }: BenchContext,
  contenders: readonly HttpContender[],
  pictures: readonly Picture[],
): Promise<Record[]> {
  const bytes = pictures.map(({ data }) => data);
  const load = (url: string, clients: number, durationMs: number) =>
    applyLoad({ url, pictures: bytes, clients, durationMs });
  for (const { url } of contenders) await load(url, Math.max(...CLIENTS), WARM_UP_MS);
  const records = CLIENTS.flatMap((clients) =>
    contenders.map((contender) => new Record(contender, clients)),
  );
  for (let round = 0; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    for (let step = 0; step < records.length; step++) {
      const record = records[(round + step) % records.length]!;
      const { server, url } = record.contender;
      if (server.isInstrumented) server.beginLoopDelay();
      const { latenciesMs, requestsPerSecond } = await load(url, record.clients, TURN_MS);
      if (server.isInstrumented) record.loops.push(await server.endLoopDelay());
      record.latenciesMs.push(...latenciesMs);
      record.requestsPerSecond.push(requestsPerSecond);
    }
  }
  return records;
}

function report(records: readonly Record[], missing: string | undefined): SectionReport {
  return {
    method: [
      '`POST` of a JPEG, answered with detections as JSON: Vedette’s real server against a plain Node service (`test/bench/peers/plain-node-service.mjs`: fastify, sharp and onnxruntime-node as their own pages show them), with one thread for the model and with one for each core (Vedette: workers of one thread each; Node: threads of ONNX Runtime). Same model file, same nine pictures of `samples/images/street`, keep-alive connections, services in processes of their own that take turns in alternating order. Vedette also checks, numbers and stores every result with `synchronous=FULL` before it answers; the plain services keep nothing.',
      'Before anything is measured each service must find the objects of `expected.json`: Vedette with IoU ≥ 0.9 and scores within 0.05; the others with IoU ≥ 0.7 and 0.12, because sharp scales with anti-aliasing.',
      `Event loop: how late a timer that is due every millisecond fires on the main thread (\`perf_hooks.monitorEventLoopDelay\`, loaded into both from outside). «Wait at any moment» weighs delays by their length: how long a request, a health check or a signal waits that comes at any moment, in 99 of 100 cases.`,
      missing ? `Left out: Python. ${missing}.` : '',
    ]
      .filter(Boolean)
      .join('\n\n'),
    tables: [latencyTable(records), loopTable(records)],
    plots: CLIENTS.map((clients) => latencyPlot(records, clients)),
  };
}

function latencyTable(records: readonly Record[]): Table {
  return {
    columns: [
      'service',
      'clients',
      'requests/s',
      'by round',
      'p50, ms',
      'p99, ms',
      'CPU a request, ms',
      'memory, MB',
    ],
    rows: records.map((record) => {
      const { lowest, highest } = range(record.requestsPerSecond);
      return [
        record.contender.name,
        String(record.clients),
        digits(record.throughput),
        span(lowest, highest),
        digits(quantile(record.latenciesMs, 0.5)),
        digits(quantile(record.latenciesMs, 0.99)),
        record.cpuMs === undefined ? '–' : digits(record.cpuMs),
        digits(residentBytes(record.contender.server.pid) / 1e6),
      ];
    }),
    says: comparisons(records)
      .map(({ ours, peer, clients, factor }) => {
        const words = `${ours} answers ${ratio(factor)} as many requests as ${peer} with ${clients === 1 ? '1 client' : `${clients} clients`}`;
        return factor < 1 ? `${words} (fewer)` : words;
      })
      .join('; ')
      .concat('.'),
  };
}

function comparisons(records: readonly Record[]) {
  return records
    .filter(({ contender }) => contender.family === 'vedette')
    .flatMap((ours) =>
      records
        .filter(
          ({ clients, contender }) =>
            clients === ours.clients &&
            contender.family !== 'vedette' &&
            contender.threads === ours.contender.threads,
        )
        .map((peer) => ({
          ours: ours.contender.name,
          peer: peer.contender.name,
          clients: ours.clients,
          factor: ours.throughput / peer.throughput,
        })),
    );
}

function loopTable(records: readonly Record[]): Table {
  const measured = records.filter(({ loops }) => loops.length > 0);
  const delays = measured.map(({ loops }) => loopDelay(loops));
  const worst = (family: HttpContender['family']) =>
    Math.max(
      ...delays
        .filter((_, index) => measured[index]!.contender.family === family)
        .map(({ waitP99Ms }) => waitP99Ms),
    );
  return {
    columns: ['service', 'clients', ...LOOP_COLUMNS],
    rows: measured.map(({ contender, clients }, index) => [
      contender.name,
      String(clients),
      ...loopCells(delays[index]!),
    ]),
    says: `What comes at any moment under load waits at most ${ms(worst('vedette'))} for Vedette's main thread in 99 of 100 cases, and up to ${ms(worst('node'))} for that of the plain Node service.`,
  };
}

/** Share of the requests answered within a time. */
function latencyPlot(records: readonly Record[], clients: number): Plot {
  const shown = records.filter((record) => record.clients === clients);
  const slowest = Math.max(...shown.map(({ latenciesMs }) => quantile(latenciesMs, 0.99)));
  const title = `Time to answer, ${clients === 1 ? '1 client' : `${clients} clients`}`;
  return {
    file: `http-latency-${clients}-client${clients === 1 ? '' : 's'}.svg`,
    alt: `${title}: share of the requests answered within a time, by service`,
    svg: linePlot({
      title,
      x: { label: 'milliseconds', from: 0, to: axisEnd(slowest) },
      y: { label: 'answered, %', from: 0, to: 100 },
      series: shown.map(({ contender, latenciesMs }) => ({
        name: contender.name,
        points: cumulative(latenciesMs),
      })),
    }),
  };
}

function cumulative(latenciesMs: readonly number[]): { x: number; y: number }[] {
  const sorted = ascending(latenciesMs);
  const step = Math.max(1, Math.floor(sorted.length / PLOT_POINTS));
  return sorted
    .map((x, index) => ({ x, y: ((index + 1) / sorted.length) * 100 }))
    .filter((_, index) => index % step === 0 || index === sorted.length - 1);
}
