import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { OutboxSettings } from '../../../component/contract/delivery.ts';
import { LedgerWriter } from '../../../component/delivery/ledger-writer.ts';
import { MessageSender } from '../../../component/delivery/message-sender.ts';
import { IpcChannel } from '../../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { FolderObjects } from '../../../component/object-store/folder-objects.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { RegistryStore } from '../../../component/registry/registry-store.ts';
import { toResultRow } from '../../../component/registry/result-row.ts';
import { everything, Receiver, upTo } from '../../support/delivery-parts.ts';
import { ledgerLines } from '../../support/ledger-reader.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { configDefaults } from '../registry/config-defaults.ts';
import { sampleResult } from '../registry/sample-result.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
/** Of 72 hours at ten results a second; a hundred-and-thirtieth of it in the normal run. */
const RESULTS = isDeep ? 72 * 3600 * 10 : 20_000;
const CAMERAS = ['dock', 'gate', 'lane', 'oven'];
const RESULTS_KEPT = Math.round(RESULTS / 20);
/** A result of this test with its place in the outbox and its indexes. */
const MAX_BYTES = RESULTS * 1000;
/** Results that come at once: a group of the registry's writer. */
const GROUP = 256;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test(
  `days offline: ${RESULTS} results wait within their bytes, and all of them are in the ledger afterwards`,
  { timeout: isDeep ? 3_600_000 : 120_000 },
  async () => {
    const folder = await temporaryFolder();
    const outbox = { ...everything, maxBytes: MAX_BYTES, hasLedger: true };
    const full = await fillOutbox(folder, outbox);
    expect(full.outbox.waiting.alarms + full.outbox.waiting.others).toBe(RESULTS);
    expect(full.outbox.givenUp.budget).toBe(0);
    expect(full.results).toBe(RESULTS_KEPT);
    // Beside what waits there are the results that retention keeps, with their five indexes.
    expect(full.outbox.waiting.bytes).toBeLessThan(MAX_BYTES);
    expect(full.databaseBytes).toBeLessThan(full.outbox.waiting.bytes * 1.1 + RESULTS_KEPT * 2000);
    console.info({ ...full, maxBytes: MAX_BYTES });

    const sending: { sender?: MessageSender } = {};
    const registry = await Registry.open({
      dataFolder: folder,
      outbox,
      onNotice: () => undefined,
      onOutbox: () => sending.sender?.wake(),
    });
    closing.push(() => registry.close());

    // The connection is back: alarms first, through lite, while the ledger takes everything.
    const nucleus = await EmulatedNucleus.start(LITE);
    closing.push(() => nucleus.close());
    const channel = new IpcChannel();
    const address = { socketFile: nucleus.socketFile, authToken: nucleus.token };
    const connection = await IpcConnection.open(address);
    closing.push(() => connection.close());
    await channel.attach(connection);
    const sender = new MessageSender({
      channel,
      registry,
      profile: 'full',
      faults: { warn: () => undefined },
    });
    sending.sender = sender;
    sender.start();
    closing.push(() => sender.close());
    const alarms = Math.min(1000, RESULTS / 50);
    await expect.poll(() => nucleus.published.length, { timeout: 120_000 }).toBeGreaterThan(alarms);
    const receiver = new Receiver();
    for (const { payload } of nucleus.published.slice(0, alarms)) receiver.receive(payload);
    const early = [...receiver.messages.values()];
    expect(
      early.every((one) => one.kind === 'result' && one.result.verdict.outcome === 'fail'),
    ).toBe(true);

    // What came is counted, not kept: memory is for the device's part.
    const sentFirst = nucleus.published.splice(0).length;
    let sent = sentFirst;
    const startedMs = performance.now();
    const store = await temporaryFolder();
    const writer = new LedgerWriter({
      registry,
      store: new FolderObjects(store),
      thing: 'station-7',
      ledger: { isEnabled: true, intervalSeconds: 1, maxBatchBytes: 4_194_304 },
      onProblem: (error) => {
        if (error) throw error;
      },
    });
    writer.start();
    closing.push(() => writer.close());
    const linesStored = async (): Promise<number> => {
      sent += nucleus.published.splice(0).length;
      const files = await readdir(store, { recursive: true, withFileTypes: true });
      const manifests = files.filter(({ name }) => name === 'manifest.json');
      const texts = await Promise.all(
        manifests.map(({ parentPath, name }) => readFile(path.join(parentPath, name), 'utf8')),
      );
      return texts
        .flatMap((text) => (JSON.parse(text) as { batches: { lines: number }[] }).batches)
        .reduce((sum, { lines }) => sum + lines, 0);
    };
    await expect
      .poll(linesStored, { timeout: isDeep ? 1_800_000 : 60_000, interval: 500 })
      .toBe(RESULTS);
    const seconds = (performance.now() - startedMs) / 1000;
    console.info({
      messagesPerSecond: Math.round((sent - sentFirst) / seconds),
      linesPerSecond: Math.round(RESULTS / seconds),
    });
    const seen = new Map(CAMERAS.map((camera) => [camera, 0]));
    const files = await readdir(store, { recursive: true, withFileTypes: true });
    const names = files
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .sort();
    const objects = new Map(
      await Promise.all(
        names.map(async (file) => [path.relative(store, file), await readFile(file)] as const),
      ),
    );
    const ids = new Set<string>();
    for (const { camera, sequence, id } of ledgerLines(objects)) {
      // In order, without a gap: the next line of a camera has its next number.
      if (sequence !== seen.get(camera)! + 1) expect(sequence).toBe(seen.get(camera)! + 1);
      seen.set(camera, sequence);
      ids.add(id);
    }
    expect(ids.size).toBe(RESULTS);
  },
);

/** Stores results at speed, in the thread of the test, as the registry's worker does; then closes. */
async function fillOutbox(folder: string, outbox: OutboxSettings) {
  const store = RegistryStore.open(folder, {
    outbox,
    onNotice: () => undefined,
    onCorruption: () => undefined,
  });
  try {
    // Retention goes on while nothing leaves: what it deletes must leave all the same.
    await store.applyRetention({ ...configDefaults.retention, resultsMaxCount: RESULTS_KEPT });
    const append = (count: number): Promise<number | null> =>
      new Promise((settle, reject) => {
        const camera = CAMERAS[count % CAMERAS.length];
        const outcome = count % 50 === 0 ? 'fail' : 'pass';
        const row = toResultRow(sampleResult({ camera, outcome }));
        store.writer.add({ row, isPromised: false, settle, reject });
      });
    const startedMs = performance.now();
    for (let first = 0; first < RESULTS; first += GROUP) {
      const group = upTo(Math.min(GROUP, RESULTS - first));
      await Promise.all(group.map((count) => append(first + count - 1)));
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const { databaseBytes, results } = store.statistics();
    const appendedPerSecond = Math.round(RESULTS / seconds);
    return { outbox: store.outbox.statistics(), databaseBytes, results, appendedPerSecond };
  } finally {
    await store.close();
  }
}
