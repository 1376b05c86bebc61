import { parentPort, workerData } from 'node:worker_threads';
import { makeFolder } from '../configuration/write-synced.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  CallName,
  RegistryCalls,
  RegistryReport,
  RegistryRequest,
  RegistryWorkerData,
  Settlement,
} from './messages.ts';
import { RegistryStore } from './registry-store.ts';
import { isCorruption, toRegistryError } from './sqlite-fault.ts';

/** The thread that owns the database. `registry.ts` is its only client. */
const port = parentPort;
if (port === null) throw new Error('registry-worker.ts runs as a worker of registry.ts');
const { dataFolder, outbox } = workerData as RegistryWorkerData;
const report = (message: RegistryReport) => port.postMessage(message);

type Handlers = {
  [K in CallName]: (
    request: RegistryCalls[K]['request'],
    store: RegistryStore,
  ) => RegistryCalls[K]['answer'] | Promise<RegistryCalls[K]['answer']>;
};

const nothing = (): undefined => undefined;

const handlers: Handlers = {
  appendResult: (request, store) =>
    new Promise((resolve, reject) => {
      store.writer.add({ ...request, settle: resolve, reject });
    }),
  results: (query, store) => store.results.page(query),
  result: (id, store) => store.results.byId(id),
  appendCapture: ({ capture, diskBytes }, store) =>
    store.appendCapture(capture, diskBytes).then(nothing),
  captures: (query, store) => store.captures.page(query),
  capture: (id, store) => store.captures.byId(id),
  reconcileCaptures: (_, store) => store.reconcileCaptures(),
  stopReconciling: (_, store) => void store.stopReconciling(),
  upsertModel: (model, store) => void store.upsertModel(model),
  recordProbe: (probe, store) => void store.recordProbe(probe),
  hasPassedProbe: (probe, store) => store.models.hasPassed(probe),
  rememberModel: ({ model, remembered }, store) =>
    void store.promised(() => store.versions.remember(model, remembered, Date.now())),
  recallModel: (model, store) => store.versions.recall(model),
  appendModelChange: (change, store) => void store.appendModelChange(change),
  modelChanges: ({ model, limit }, store) => store.versions.changes(model, limit),
  appendShadow: (shadow, store) => store.comparisons.appendShadow(shadow),
  shadows: (query, store) => store.comparisons.shadows(query),
  labelResult: (label, store) => store.promised(() => store.comparisons.label(label, Date.now())),
  labelFigures: (question, store) => store.comparisons.labelFigures(question),
  recentOutcomes: (question, store) => store.comparisons.recent(question),
  upsertCamera: ({ name, config }, store) => void store.upsertCamera(name, config),
  counters: (camera, store) => store.counters.ofCamera(camera),
  raiseCounters: ({ camera, counters }, store) => void store.raiseCounters(camera, counters),
  openTransaction: ({ record, isPromised }, store) =>
    void store.written(isPromised, () => store.transactions.open(record)),
  endTransaction: ({ isPromised, ...ending }, store) =>
    void store.written(isPromised, () => store.transactions.end(ending)),
  openTransactions: (limit, store) => store.transactions.withoutEnd(limit),
  transactions: ({ camera, limit }, store) => store.transactions.newest(camera, limit),
  repeatableTransactions: (limit, store) => store.transactions.repeatable(limit),
  transaction: (id, store) => store.transactions.byId(id),
  appendOutput: (record, store) => void store.written(false, () => store.outputs.append(record)),
  outputRecords: ({ resultId, limit }, store) => store.outputs.newest(resultId, limit),
  appendNotice: (notice, store) => void store.appendNotice(notice),
  notices: (limit, store) => store.notices.newest(limit),
  applyRetention: (config, store) => store.applyRetention(config),
  statistics: (_, store) => store.statistics(),
  outboxState: (_, store) => store.outbox.state(),
  takeMessages: (request, store) => store.outbox.take(request),
  settleMessages: ({ sent, expired }, store) => {
    store.outbox.expire(expired);
    store.outbox.settle(sent);
    store.removeDelivered();
    return undefined;
  },
  acknowledgeMessages: (acknowledgement, store) => {
    store.outbox.acknowledge(acknowledgement);
    store.removeDelivered();
    return undefined;
  },
  planBatch: ({ maxBytes, isDue }, store) => store.outbox.ledger.plan(maxBytes, isDue),
  batchLines: ({ plan, after }, store) => store.outbox.ledger.lines(plan, after),
  completeBatch: ({ plan, stored }, store) => {
    if (stored === undefined) store.outbox.ledger.abandon(plan);
    else store.outbox.ledger.complete(plan, stored);
    store.removeDelivered();
    return undefined;
  },
  ledgerManifest: (_, store) => store.outbox.ledger.manifest(),
  nextCaptureUpload: (after, store) => store.uploads.next(after),
  endCaptureUpload: ({ key, givenUp }, store) => {
    if (givenUp !== undefined) store.outbox.giveUpCapture(givenUp);
    store.uploads.remove(key);
    return undefined;
  },
  outboxStatistics: (_, store) => store.outbox.statistics(),
  close: (_, store) => store.close().then(nothing),
};

/** Answers that are ready in the same turn travel together: a group of results is one message. */
let settlements: Settlement[] = [];
function settle(settlement: Settlement): void {
  settlements.push(settlement);
  if (settlements.length > 1) return;
  queueMicrotask(() => {
    report({ kind: 'settled', settlements });
    settlements = [];
  });
}

async function answer(store: RegistryStore, message: RegistryRequest): Promise<void> {
  const { id, call } = message;
  try {
    if (store.isClosed) {
      throw new VedetteError('REGISTRY_UNAVAILABLE', 'The registry is being opened again');
    }
    // The request belongs to the call by the type of RegistryRequest.
    const handler = handlers[call] as (request: unknown, store: RegistryStore) => unknown;
    const result = (await handler(message.request, store)) as RegistryCalls[CallName]['answer'];
    settle({ id, answer: result });
  } catch (thrown) {
    if (isCorruption(thrown)) store.reportCorruption();
    const error = toRegistryError(thrown, dataFolder, `The registry's call ${call} failed`);
    settle({ id, error: error.serialize() });
  }
  if (call === 'close') port?.close();
}

try {
  await makeFolder(dataFolder);
  const store = RegistryStore.open(dataFolder, {
    outbox,
    onNotice: (notice) => report({ kind: 'notice', notice }),
    onOutbox: () => report({ kind: 'outbox' }),
    // The client starts a new worker, whose opening sets the damaged file aside.
    onCorruption: () => setImmediate(() => void store.close().finally(() => port.close())),
  });
  port.on('message', (message: RegistryRequest) => void answer(store, message));
  report({ kind: 'opened' });
} catch (thrown) {
  const what = `The registry in ${dataFolder} could not be opened`;
  const error = toRegistryError(thrown, dataFolder, what);
  // Nothing was asked of it yet: what SQLite or the system refused is the folder's fault.
  const isUnknown = error.code === 'INTERNAL';
  report({
    kind: 'failed',
    error: { ...error.serialize(), ...(isUnknown ? { code: 'REGISTRY_UNAVAILABLE' } : {}) },
  });
}
