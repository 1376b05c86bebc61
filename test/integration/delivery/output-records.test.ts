import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { outputSchema } from '../../../component/contract/output-config.ts';
import { Outputs } from '../../../component/delivery/outputs/outputs.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { sampleResult } from '../registry/sample-result.ts';

/** Longer than SQLite waits for another writer. */
const HOLD_MS = 2200;

let folder: string;
let server: Server;
let registry: Registry;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-output-records-'));
  registry = await Registry.open({ dataFolder: folder, onNotice: () => {} });
  server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  await registry.close();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

it('records what an output was told while the disk took nothing as soon as it does', async () => {
  const outputs = new Outputs({
    ...{ channel: undefined, registry, readSecret: async () => '', certificateFolder: folder },
    faults: new FaultLog(pino({ level: 'silent' })),
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await outputs.use({ hook: outputSchema.parse({ kind: 'webhook', url }) });
  const db = new SqliteDatabase(path.join(folder, 'registry.db'));
  db.exec('BEGIN IMMEDIATE');
  const told = sampleResult({ outcome: 'fail' });
  outputs.tell(told);
  await expect.poll(() => outputs.statuses()[0]?.acknowledged).toBe(1);
  await pause(HOLD_MS);
  expect(await registry.outputRecords(undefined, 10)).toEqual([]);
  db.exec('ROLLBACK').close();
  const recorded = () => registry.outputRecords(undefined, 10);
  await expect.poll(recorded, { timeout: 20_000 }).toHaveLength(1);
  await outputs.close();
  expect(await recorded()).toMatchObject([{ resultId: told.id, end: 'acknowledged' }]);
});
