import type { RetentionConfig } from '../contract/config.ts';
import type {
  Acknowledgement,
  BatchPlan,
  LedgerManifest,
  OutboxSettings,
  OutboxState,
  OutboxStatistics,
  StoredBatch,
  TakeAnswer,
  TakeRequest,
} from '../contract/delivery.ts';
import type { SerializedError } from '../contract/errors.ts';
import type {
  CaptureQuery,
  Notice,
  Page,
  RegistryModel,
  ResultQuery,
  StoredCapture,
} from '../contract/ports.ts';
import type { OutputRecord } from '../contract/output.ts';
import type { TransactionEnding, TransactionRecord } from '../contract/transaction.ts';
import type { Counters } from './counter-rows.ts';
import type { ModelChangeRecord, RememberedModel } from '../contract/model-lifecycle.ts';
import type {
  LabelAnswer,
  LabelQuestion,
  RecentOutcome,
  RecentQuestion,
  ShadowQuery,
  ShadowResult,
  VerdictLabel,
} from '../contract/verdict-comparison.ts';
import type { WaitingCapture } from './capture-uploads.ts';
import type { BatchLines } from './outbox/ledger-rows.ts';
import type { ProbeQuestion, ProbeRecord } from './model-rows.ts';
import type { ReconcileSummary } from './reconcile-captures.ts';
import type { ResultRow, StoredResult } from './result-row.ts';
import type { RetentionSummary } from './retention-pass.ts';

/** What can be asked of the registry's worker: request and answer of each call. */
export interface RegistryCalls {
  appendResult: {
    request: { readonly row: ResultRow; readonly isPromised: boolean; readonly mayWait: boolean };
    answer: number | null;
  };
  results: { request: ResultQuery; answer: Page<StoredResult> };
  result: { request: string; answer: StoredResult | undefined };
  appendCapture: {
    request: { readonly capture: StoredCapture; readonly diskBytes: number };
    answer: undefined;
  };
  captures: { request: CaptureQuery; answer: Page<StoredCapture> };
  capture: { request: string; answer: StoredCapture | undefined };
  reconcileCaptures: { request: undefined; answer: ReconcileSummary };
  stopReconciling: { request: undefined; answer: undefined };
  upsertModel: { request: RegistryModel; answer: undefined };
  recordProbe: { request: ProbeRecord; answer: undefined };
  hasPassedProbe: { request: ProbeQuestion; answer: boolean };
  rememberModel: {
    request: { readonly model: string; readonly remembered: RememberedModel };
    answer: undefined;
  };
  recallModel: { request: string; answer: RememberedModel | undefined };
  appendModelChange: { request: ModelChangeRecord; answer: undefined };
  modelChanges: {
    request: { readonly model: string; readonly limit: number };
    answer: readonly ModelChangeRecord[];
  };
  appendShadow: { request: ShadowResult; answer: boolean };
  shadows: { request: ShadowQuery; answer: readonly ShadowResult[] };
  labelResult: { request: VerdictLabel; answer: boolean };
  labelFigures: { request: LabelQuestion; answer: LabelAnswer };
  recentOutcomes: { request: RecentQuestion; answer: readonly RecentOutcome[] };
  upsertCamera: { request: { readonly name: string; readonly config: string }; answer: undefined };
  counters: { request: string; answer: Counters };
  raiseCounters: {
    request: { readonly camera: string; readonly counters: Counters };
    answer: undefined;
  };
  openTransaction: {
    request: { readonly record: TransactionRecord; readonly isPromised: boolean };
    answer: undefined;
  };
  endTransaction: { request: TransactionEnding; answer: undefined };
  openTransactions: { request: number; answer: readonly TransactionRecord[] };
  transactions: {
    request: { readonly camera: string | undefined; readonly limit: number };
    answer: readonly TransactionRecord[];
  };
  repeatableTransactions: { request: number; answer: readonly TransactionRecord[] };
  transaction: { request: string; answer: TransactionRecord | undefined };
  appendOutput: { request: OutputRecord; answer: undefined };
  outputRecords: {
    request: { readonly resultId: string | undefined; readonly limit: number };
    answer: readonly OutputRecord[];
  };
  appendNotice: { request: Notice; answer: undefined };
  notices: { request: number; answer: readonly Notice[] };
  applyRetention: { request: RetentionConfig; answer: RetentionSummary };
  statistics: { request: undefined; answer: StoreStatistics };
  outboxState: { request: undefined; answer: OutboxState };
  takeMessages: { request: TakeRequest; answer: TakeAnswer };
  settleMessages: {
    request: {
      readonly sent: readonly { readonly stream: number; readonly through: number }[];
      readonly expired: TakeAnswer['expired'];
    };
    answer: undefined;
  };
  acknowledgeMessages: { request: Acknowledgement; answer: undefined };
  planBatch: {
    request: { readonly maxBytes: number; readonly isDue: boolean };
    answer: BatchPlan | undefined;
  };
  batchLines: { request: { readonly plan: BatchPlan; readonly after: number }; answer: BatchLines };
  completeBatch: {
    request: { readonly plan: BatchPlan; readonly stored: StoredBatch | undefined };
    answer: undefined;
  };
  ledgerManifest: { request: undefined; answer: LedgerManifest | undefined };
  nextCaptureUpload: { request: number; answer: WaitingCapture | undefined };
  endCaptureUpload: {
    request: { readonly key: number; readonly givenUp: string | undefined };
    answer: undefined;
  };
  outboxStatistics: { request: undefined; answer: OutboxStatistics };
  close: { request: undefined; answer: undefined };
}
export type CallName = keyof RegistryCalls;

export type StoreStatistics = {
  readonly results: number;
  readonly captures: number;
  readonly captureBytes: number;
  readonly databaseBytes: number;
  readonly walBytes: number;
  /** Results of streams that wait in memory because the disk is full. */
  readonly retained: number;
  /** Results of streams that were lost to a full disk since the registry was opened. */
  readonly givenUp: number;
  /** How long the storage has been refusing writes; 0 when it takes them. */
  readonly refusedForMs: number;
};

export type RegistryRequest = {
  [K in CallName]: {
    readonly id: number;
    readonly call: K;
    readonly request: RegistryCalls[K]['request'];
  };
}[CallName];

export type Settlement =
  | { readonly id: number; readonly answer: RegistryCalls[CallName]['answer'] }
  | { readonly id: number; readonly error: SerializedError };

export type RegistryReport =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly error: SerializedError }
  | { readonly kind: 'settled'; readonly settlements: readonly Settlement[] }
  | { readonly kind: 'notice'; readonly notice: Notice }
  | { readonly kind: 'outbox' };

export interface RegistryWorkerData {
  readonly dataFolder: string;
  readonly outbox: OutboxSettings | undefined;
}
