import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { VedetteError } from '../../../../component/contract/errors.ts';
import type { InferenceResult } from '../../../../component/contract/result.ts';
import {
  memorable,
  storedAnswer,
  TriggerMemory,
} from '../../../../component/pipeline/transactions/trigger-memory.ts';
import { sampleResult } from '../../../integration/registry/sample-result.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const record = { id: 't-1', triggerId: 'part-1', deadlineMs: 500 };
const missing = () => Promise.reject(new VedetteError('NOT_FOUND', 'there is no such result'));

/** Remembered with a large result, of which nobody else holds anything after this. */
function remember(memory: TriggerMemory, id: string): WeakRef<object> {
  const context = { note: 'x'.repeat(10_000) };
  const result: InferenceResult = { ...sampleResult({ outcome: 'fail' }), id, context };
  const answer = () => Promise.resolve(result);
  const openedAtMs = Date.now();
  const transaction = memorable({ ...record, ...{ context } });
  const written = Promise.resolve();
  memory.remember({ openedAtMs, openedSteadyMs: performance.now(), transaction, written, answer });
  memory.settle(record, storedAnswer({ result: missing }, result));
  return new WeakRef(context);
}

it('an id that has its verdict holds no result, and is answered from the registry', async () => {
  const memory = new TriggerMemory();
  const context = remember(memory, 'r-1');
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(context.deref()).toBeUndefined();

  const stored = sampleResult({ outcome: 'fail' });
  memory.settle(record, storedAnswer({ result: () => Promise.resolve(stored) }, stored));
  expect(await memory.recall('part-1', 1000)?.answer()).toBe(stored);
});

it('an answer that is not in the registry has the verdict, and not what was found', async () => {
  const memory = new TriggerMemory();
  remember(memory, 'r-2');
  const answer = await memory.recall('part-1', 1000)!.answer();
  expect(answer).toMatchObject({ id: 'r-2', verdict: { outcome: 'fail' }, camera: 'walkway' });
  expect(Object.keys(answer)).not.toContain('context');
  expect(Object.keys(answer)).not.toContain('detections');
});

it('a verdict does not answer for a later trigger of the same id', async () => {
  const memory = new TriggerMemory();
  remember(memory, 'r-3');
  const result = sampleResult({ outcome: 'pass' });
  memory.settle({ id: 't-0', triggerId: 'part-1' }, () => Promise.resolve(result));
  expect((await memory.recall('part-1', 1000)!.answer()).id).toBe('r-3');
});
