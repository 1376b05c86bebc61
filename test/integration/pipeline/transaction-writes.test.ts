import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import type { TransactionRecord } from '../../../component/contract/transaction.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { TransactionWrites } from '../../../component/pipeline/transactions/transaction-writes.ts';
import { openRegistry } from '../registry/temporary-registry.ts';

const record: TransactionRecord = {
  ...{ id: 't-1', triggerId: 'part-1', camera: 'dock', source: 'http', openedAtMs: Date.now() },
  ...{ deadlineMs: 500, failSafe: 'fail', model: 'brick' },
};

// The registry is back after a second.
it.runIf(process.env['VEDETTE_DEEP'] === '1')(
  'a trigger that the registry refuses for now is written when it is there, not when it has ended',
  async () => {
    const post = vi.spyOn(Worker.prototype, 'postMessage');
    const { registry } = await openRegistry();
    await registry.transactions('dock', 1);
    const worker = post.mock.contexts[0] as Worker;
    post.mockRestore();
    await worker.terminate();

    const closing = new AbortController();
    const faults = new FaultLog(pino({ level: 'silent' }));
    const signal = closing.signal;
    const writes = new TransactionWrites({ camera: 'dock', registry, faults, signal });
    const written = writes.open(record, true);
    const ending = {
      id: 't-1',
      end: 'fail-safe',
      endedAtMs: Date.now(),
      isPromised: true,
    } as const;
    await writes.end(ending);
    await expect(registry.transaction('t-1')).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    });
    await written;
    expect(await registry.transaction('t-1')).toMatchObject({ triggerId: 'part-1' });
    await writes.settled();
    expect(await registry.transaction('t-1')).toMatchObject({ end: 'fail-safe' });
  },
);

it('who waits for a trigger that can not be written any more is told so', async () => {
  const { registry } = await openRegistry();
  const faults = new FaultLog(pino({ level: 'silent' }));
  const signal = AbortSignal.abort();
  const writes = new TransactionWrites({ camera: 'dock', registry, faults, signal });
  await registry.close();
  await expect(writes.open(record, true)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
});
