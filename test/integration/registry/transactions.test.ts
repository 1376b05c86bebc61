import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { TransactionRecord } from '../../../component/contract/transaction.ts';
import { Registry } from '../../../component/registry/registry.ts';

const record = (id: string, triggerId = id): TransactionRecord => ({
  ...{ id, triggerId, camera: 'dock', source: 'http', openedAtMs: 1_800_000_000_000 },
  ...{ context: { lot: '7' }, deadlineMs: 500, failSafe: 'fail', model: 'brick' },
});

it('ended triggers that may be repeated are recalled without what size others decide', async () => {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'vedette-transactions-'));
  const registry = await Registry.open({ dataFolder, onNotice: () => {} });
  onTestFinished(async () => {
    await registry.close();
    await rm(dataFolder, { recursive: true, force: true });
  });
  const open = [record('t-1', 'part-1'), record('t-2'), record('t-3', 'part-3')];
  for (const one of open) await registry.openTransaction(one, false);
  const ending = { end: 'answered', endedAtMs: 1_800_000_000_100, isPromised: false } as const;
  await registry.endTransaction({ ...ending, id: 't-1', resultId: 'r-1', outcome: 'pass' });
  const arrived = { context: { lot: '7', product: 'P27' }, model: 'nail' };
  await registry.endTransaction({ ...ending, id: 't-2', resultId: 'r-2', arrived });

  const { context: _, ...withoutContext } = record('t-1', 'part-1');
  const { isPromised: __, ...ended } = ending;
  expect(await registry.repeatableTransactions(10)).toEqual([
    { ...withoutContext, ...ended, resultId: 'r-1', outcome: 'pass' },
  ]);
  // What came after the trigger is there with its end, and a second end changes nothing.
  const late = { ...ending, id: 't-2', resultId: 'r-9' };
  await registry.endTransaction({ ...late, arrived: { context: {}, model: 'other' } });
  expect(await registry.transaction('t-2')).toEqual({
    ...{ ...record('t-2'), ...arrived, ...ended },
    resultId: 'r-2',
  });
});
