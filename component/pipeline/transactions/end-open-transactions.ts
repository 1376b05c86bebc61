import { VedetteError } from '../../contract/errors.ts';
import type { InferenceResult } from '../../contract/result.ts';
import type { TransactionRecord } from '../../contract/transaction.ts';
import type { Registry } from '../../registry/registry.ts';
import { composeFailSafe, NO_FRAME, unknownModel } from './compose-fail-safe.ts';
import { memorable, TriggerMemory } from './trigger-memory.ts';

const BATCH = 500;
/** Ended ones of all cameras that are looked through for ids that may come again. */
const MAX_RECALLED = 10_000;

/**
 * Each trigger that was open when the process before was killed gets its fail-safe verdict, as it was
 * configured then: stored, and not told to outputs, since its part has passed.
 * @returns how many
 * @throws VedetteError as `Registry`
 */
export async function endOpenTransactions(registry: Registry, thing: string): Promise<number> {
  let ended = 0;
  for (;;) {
    const open = await registry.openTransactions(BATCH);
    if (open.length === 0) return ended;
    for (const record of open) await endOpen(registry, thing, record);
    ended += open.length;
  }
}

async function endOpen(registry: Registry, thing: string, record: TransactionRecord) {
  const result =
    (await storedResult(registry, record.id)) ?? (await failSafe(registry, thing, record));
  const isFailSafe = result.transaction?.isFailSafe !== false;
  await registry.endTransaction({
    ...{ id: record.id, end: isFailSafe ? 'fail-safe' : 'answered', endedAtMs: Date.now() },
    ...{ reason: result.verdict.reason, resultId: result.id, outcome: result.verdict.outcome },
    isPromised: true,
  });
}

/** The process was killed between the two writes. */
async function storedResult(registry: Registry, id: string): Promise<InferenceResult | undefined> {
  try {
    return await registry.result(id);
  } catch (error) {
    if (error instanceof VedetteError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function failSafe(
  registry: Registry,
  thing: string,
  record: TransactionRecord,
): Promise<InferenceResult> {
  const message = `the process ended while trigger ${record.triggerId} was open`;
  const why = new VedetteError('TRIGGER_INTERRUPTED', message);
  const { id, camera, triggerId, source, context, openedAtMs, deadlineMs } = record;
  const elapsedMs = Math.max(0, Date.now() - openedAtMs);
  const origin = {
    ...{ thing, camera, takenAtMs: performance.now() - elapsedMs },
    frame: { sequence: NO_FRAME, capturedAtMs: openedAtMs, width: 0, height: 0 },
    ...(context ? { context } : {}),
  };
  return registry.appendResult(
    {
      ...composeFailSafe(origin, unknownModel(record.model), record.failSafe, why),
      id,
      triggerId,
      transaction: {
        ...{ id, source, deadlineMs, elapsedMs, isFailSafe: true },
        triggeredAt: new Date(openedAtMs).toISOString(),
      },
    },
    { durability: 'promised' },
  );
}

/** The ids of triggers that came to the process before, by camera: they get the answer of then. */
export async function recallTriggers(registry: Registry): Promise<Map<string, TriggerMemory>> {
  const memories = new Map<string, TriggerMemory>();
  const records = await registry.repeatableTransactions(MAX_RECALLED);
  for (const record of [...records].reverse()) {
    const { camera, resultId, openedAtMs } = record;
    if (resultId === undefined) continue;
    const memory = memories.get(camera) ?? new TriggerMemory();
    memories.set(camera, memory);
    const answer = () => registry.result(resultId);
    memory.remember({
      ...{ openedAtMs, transaction: memorable(record), answer },
      written: Promise.resolve(),
    });
  }
  return memories;
}
