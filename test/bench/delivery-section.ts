import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { OutboxSettings } from '../../component/contract/delivery.ts';
import type { NewResult } from '../../component/contract/ports.ts';
import { MessageSender } from '../../component/delivery/message-sender.ts';
import { IpcChannel } from '../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../component/greengrass/ipc-connection.ts';
import { Registry } from '../../component/registry/registry.ts';
import { EmulatedNucleus } from '../support/nucleus/emulated-nucleus.ts';
import { LITE } from '../support/nucleus/personality.ts';
import { digits } from './number-text.ts';
import type { BenchContext, Section, SectionReport } from './section.ts';
import { median } from './statistics.ts';

const ROUNDS = 5;
const RESULTS = 10_000;
const IN_FLIGHT = 64;
const BACKLOG = 1000;
/** A broker across a continent. */
const ROUND_TRIP_MS = 100;
const REACH_PER_SECOND = 50;
const PACED_RESULTS = 300;
const PACE_MS = 100;

const settings: OutboxSettings = {
  thing: 'station-7',
  results: 'all',
  cameras: {},
  maxBytes: 1e9,
  sendsMessages: true,
  timeToLiveMs: 86_400_000,
  hasLedger: false,
  hasAcknowledgements: false,
  uploadsCaptures: false,
};

export const deliverySection: Section = {
  name: 'delivery',
  title: 'What the outbox costs, and how fast a device catches up',
  run: measureDelivery,
};

async function measureDelivery(context: BenchContext): Promise<SectionReport> {
  const kinds = { without: undefined, notable: 'notable', all: 'all' } as const;
  const times: Record<keyof typeof kinds, number[]> = { without: [], notable: [], all: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [kind, results] of Object.entries(kinds)) {
      context.progress(`${RESULTS} results, ${kind}, round ${round + 1} of ${ROUNDS}`);
      const microseconds = await appendAll(context, results);
      times[kind as keyof typeof kinds].push(microseconds);
    }
  }
  context.progress('bytes written');
  const written = {
    without: await bytesWritten(context, undefined),
    notable: await bytesWritten(context, 'notable'),
    all: await bytesWritten(context, 'all'),
  };
  context.progress('catching up');
  const perSecond = await catchUp(context);
  const bare = median(times.without);
  const ratio = (kind: keyof typeof kinds) => median(times[kind]) / bare;
  return {
    method:
      `${RESULTS} results of one person each appended with ${IN_FLIGHT} under way, one in ten a fail; medians of ${ROUNDS} rounds in turn. ` +
      `Bytes: what \`/proc/self/io\` counts while ${PACED_RESULTS} results come ${1000 / PACE_MS} a second and leave through the emulated nucleus. ` +
      `Catching up: ${BACKLOG} fails wait, then the emulated nucleus lite comes back: at most ${LITE.maxInFlight} messages and ${LITE.maxInFlightBytes} bytes unacknowledged, acknowledged every ${ROUND_TRIP_MS} ms, which is at most ${(LITE.maxInFlight * 1000) / ROUND_TRIP_MS} a second.`,
    tables: [
      {
        columns: ['outbox', 'µs a result', 'to none', 'KB written a result'],
        rows: (Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => [
          kind === 'without' ? 'none' : kind === 'all' ? 'every result' : 'fails, and a count',
          digits(median(times[kind])),
          `× ${digits(ratio(kind))}`,
          digits(written[kind] / 1024),
        ]),
        says: `A result costs ${digits(ratio('all'))} times as much when it is put into the outbox as well. At 10 results a second for a day the device writes ${digits((written.without * 864_000) / 1e9)} GB without an outbox, ${digits((written.notable * 864_000) / 1e9)} GB when fails are delivered and ${digits((written.all * 864_000) / 1e9)} GB when everything is.`,
      },
      {
        columns: ['catching up', 'messages a second'],
        rows: [['nucleus lite, 100 ms to the broker', digits(perSecond)]],
        says: `A backlog leaves at ${digits(perSecond)} messages a second.`,
      },
    ],
    targets: [
      {
        what: 'messages a second after an outage, under the limits of nucleus lite',
        reach: `≥ ${REACH_PER_SECOND}`,
        got: digits(perSecond),
        isReached: perSecond >= REACH_PER_SECOND,
        missedBy: `${digits(REACH_PER_SECOND - perSecond)} a second`,
      },
    ],
  };
}

let folders = 0;
async function open(
  { folder }: BenchContext,
  results: OutboxSettings['results'] | undefined,
  onOutbox: () => void = () => undefined,
): Promise<Registry> {
  const dataFolder = path.join(folder, `delivery-${folders++}`);
  mkdirSync(dataFolder, { recursive: true });
  return Registry.open({
    dataFolder,
    ...(results === undefined ? {} : { outbox: { ...settings, results } }),
    onNotice: () => undefined,
    onOutbox,
  });
}

/** @returns microseconds a result */
async function appendAll(
  context: BenchContext,
  results: OutboxSettings['results'] | undefined,
): Promise<number> {
  const registry = await open(context, results);
  try {
    let next = 0;
    const startedMs = performance.now();
    const lane = async (): Promise<void> => {
      while (next < RESULTS) {
        await registry.appendResult(result(next++ % 10 === 0), { durability: 'stream' });
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return ((performance.now() - startedMs) * 1000) / RESULTS;
  } finally {
    await registry.close();
  }
}

/** @returns bytes a result */
async function bytesWritten(
  context: BenchContext,
  results: OutboxSettings['results'] | undefined,
): Promise<number> {
  const nucleus = await EmulatedNucleus.start(LITE);
  const sending: { sender?: MessageSender } = {};
  const registry = await open(context, results, () => sending.sender?.wake());
  const { sender, end } = await send(nucleus, registry);
  sending.sender = sender;
  try {
    const stored: Promise<unknown>[] = [];
    const before = writtenBytes();
    const startedMs = performance.now();
    for (let count = 0; count < PACED_RESULTS; count += 1) {
      const early = startedMs + count * PACE_MS - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      const isFail = count % 10 === 0;
      stored.push(
        registry.appendResult(result(isFail), { durability: isFail ? 'stream' : 'gathered' }),
      );
    }
    await Promise.all(stored);
    await end();
    await registry.close();
    return (writtenBytes() - before) / PACED_RESULTS;
  } finally {
    await nucleus.close();
  }
}

/** @returns messages a second */
async function catchUp(context: BenchContext): Promise<number> {
  const nucleus = await EmulatedNucleus.start(LITE);
  const registry = await open(context, 'all');
  nucleus.holdsAcknowledgements = true;
  const acknowledging = setInterval(() => nucleus.acknowledge(), ROUND_TRIP_MS);
  try {
    for (let count = 0; count < BACKLOG; count += 1) {
      await registry.appendResult(result(true), { durability: 'stream' });
    }
    const startedMs = performance.now();
    const { end } = await send(nucleus, registry);
    while (nucleus.published.length < BACKLOG) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const seconds = (performance.now() - startedMs) / 1000;
    await end();
    return BACKLOG / seconds;
  } finally {
    clearInterval(acknowledging);
    await registry.close();
    await nucleus.close();
  }
}

async function send(
  nucleus: EmulatedNucleus,
  registry: Registry,
): Promise<{ readonly sender: MessageSender; readonly end: () => Promise<void> }> {
  const channel = new IpcChannel();
  const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
  const connection = await IpcConnection.open(address);
  await channel.attach(connection);
  const faults = { warn: () => undefined };
  const sender = new MessageSender({ channel, registry, profile: 'full', faults });
  sender.start();
  const end = async (): Promise<void> => {
    await sender.close();
    await connection.close();
  };
  return { sender, end };
}

const writtenBytes = (): number =>
  Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0);

function result(isFail: boolean): NewResult {
  return {
    schemaVersion: 1,
    id: uuidv7(),
    thing: 'station-7',
    camera: 'walkway',
    model: {
      name: 'coco-detector',
      version: '1.0.0',
      sha256: 'a'.repeat(64),
      variant: 'fp32',
      executionProvider: 'cpu',
    },
    frame: { sequence: 1, capturedAt: new Date().toISOString(), width: 768, height: 576 },
    detections: [
      {
        label: 'person',
        labelIndex: 0,
        score: 0.73,
        box: { x: 585.2, y: 156.1, width: 34.9, height: 80.3 },
      },
    ],
    verdict: { outcome: isFail ? 'fail' : 'pass', reason: 'nothing to object to' },
    timings: { queueMs: 0.4, preprocessMs: 0.6, runMs: 46.2, decodeMs: 0.1, totalMs: 47.5 },
  };
}
