/**
 * A process of its own that stores results, sends them through a nucleus and puts them into a ledger, as
 * fast as it can; prints what was acknowledged. With a number of results it ends when all have left.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { LedgerWriter } from '../../component/delivery/ledger-writer.ts';
import { MessageSender } from '../../component/delivery/message-sender.ts';
import { ipcAddress } from '../../component/greengrass/ipc-address.ts';
import { IpcChannel } from '../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../component/greengrass/ipc-connection.ts';
import { FolderObjects } from '../../component/object-store/folder-objects.ts';
import { Registry } from '../../component/registry/registry.ts';
import { sampleResult } from '../integration/registry/sample-result.ts';
import { everything } from './delivery-parts.ts';

const [dataFolder = '', ledgerFolder = '', mode = 'for-ever'] = process.argv.slice(2);
const hasLedger = ledgerFolder !== '-';
const sending: { sender?: MessageSender } = {};
const registry = await Registry.open({
  dataFolder,
  outbox: { ...everything, hasLedger },
  onNotice: ({ error }) => process.stderr.write(`${error.message}\n`),
  onOutbox: () => sending.sender?.wake(),
});
const channel = new IpcChannel();
const connection = await IpcConnection.open(ipcAddress(process.env));
await channel.attach(connection);
const faults = {
  warn: (key: string, fields: object) => process.stderr.write(`${key} ${JSON.stringify(fields)}\n`),
};
const sender = new MessageSender({ channel, registry, profile: 'full', faults });
sending.sender = sender;
sender.start();
const ledger = new LedgerWriter({
  registry,
  store: new FolderObjects(ledgerFolder),
  thing: 'station-7',
  ledger: { isEnabled: true, intervalSeconds: 0.05, maxBatchBytes: 8000 },
  onProblem: (error) => error && process.stderr.write(`${error.message}\n`),
});
if (hasLedger) ledger.start();

const cameras = ['dock', 'gate'];
async function appendOne(count: number): Promise<void> {
  const camera = cameras[count % 2];
  const outcome = count % 3 === 0 ? 'fail' : 'pass';
  const result = sampleResult({ id: uuidv7(), camera, outcome });
  const durability = outcome === 'fail' ? 'stream' : 'gathered';
  const stored = await registry.appendResult(result, { durability });
  process.stdout.write(`${stored.id} ${camera} ${stored.cameraSequence}\n`);
}

/** What may be on its way at once, as of a camera. */
const MAX_APPENDING = 8;
const appending = new Set<Promise<void>>();
async function begin(count: number): Promise<void> {
  const one = appendOne(count).finally(() => appending.delete(one));
  appending.add(one);
  if (appending.size >= MAX_APPENDING) await Promise.race(appending);
}

async function finish(): Promise<void> {
  // All that is left is what may still be in the nucleus' queue.
  for (;;) {
    const { waiting, lastBatch } = await registry.outboxStatistics();
    const isCovered = !hasLedger || lastBatch !== undefined;
    if (waiting.alarms + waiting.others <= 10 && sender.isIdle && isCovered) break;
    await pause(50);
  }
  await ledger.close();
  await sender.close();
  await registry.close();
  await connection.close();
  process.exit(0);
}

if (mode === 'for-ever') {
  for (let count = 0; ; count += 1) {
    await begin(count);
    // As a fast camera: faster than this nobody is ever sent anything but a backlog.
    await pause(2);
  }
} else {
  for (let count = 0; count < Number(mode); count += 1) {
    await begin(count);
    await pause(1);
  }
  await Promise.all(appending);
  await finish();
}
