import type { DeliveryStatus } from '../../component/contract/delivery.ts';
import type { OutputRecord, OutputStatus } from '../../component/contract/output.ts';
import type { Page } from '../../component/contract/ports.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import type {
  TransactionRecord,
  TriggerSourceStatus,
} from '../../component/contract/transaction.ts';

export interface ResultFilter {
  readonly camera?: string;
  readonly outcome?: string;
  readonly label?: string;
}

/** Rejects with the server's own words when the answer is an error. */
export async function request(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, { signal: AbortSignal.timeout(10_000), ...init });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string };
  throw new Error(problem.detail ?? `HTTP ${response.status}`);
}

export async function fetchResults(
  filter: ResultFilter,
  limit: number,
): Promise<InferenceResult[]> {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
  const page = (await (await request(`/api/v1/results?${query}`)).json()) as Page<InferenceResult>;
  return [...page.items];
}

export async function fetchResult(id: string): Promise<InferenceResult> {
  return (await (await request(`/api/v1/results/${id}`)).json()) as InferenceResult;
}

/** What triggers, what became of it and who was told, newest first. */
export interface LineState {
  readonly triggers: readonly TriggerSourceStatus[];
  readonly transactions: readonly TransactionRecord[];
  readonly outputs: readonly OutputStatus[];
  readonly records: readonly OutputRecord[];
}

const MAX_TRANSACTIONS = 15;
const MAX_RECORDS = 200;

export async function fetchLine(): Promise<LineState> {
  const items = async <T>(path: string) =>
    ((await (await request(`/api/v1/${path}`)).json()) as { items: readonly T[] }).items;
  const [triggers, transactions, outputs, records] = await Promise.all([
    items<TriggerSourceStatus>('triggers'),
    items<TransactionRecord>(`transactions?limit=${MAX_TRANSACTIONS}`),
    items<OutputStatus>('outputs'),
    items<OutputRecord>(`outputs/records?limit=${MAX_RECORDS}`),
  ]);
  return { triggers, transactions, outputs, records };
}

export async function fetchDelivery(): Promise<DeliveryStatus> {
  return (await (await request('/api/v1/delivery')).json()) as DeliveryStatus;
}

/** Whether the server wants a token that this browser has not given yet. */
export async function needsToken(): Promise<boolean> {
  try {
    const answer = await request('/api/v1/session');
    return !((await answer.json()) as { isSignedIn: boolean }).isSignedIn;
  } catch {
    return false;
  }
}

export type ModelChange = 'promote' | 'rollback' | 'discard' | 'pin' | 'unpin';

/** Begins a change of a model's versions; what becomes of it comes with the model's status. */
export async function changeModel(model: string, change: ModelChange): Promise<void> {
  await request(`/api/v1/models/${encodeURIComponent(model)}/${change}`, { method: 'POST' });
}

export async function signIn(token: string): Promise<void> {
  await request('/api/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
}
