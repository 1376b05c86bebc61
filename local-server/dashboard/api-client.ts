import type { DeliveryStatus } from '../../component/contract/delivery.ts';
import type { Page } from '../../component/contract/ports.ts';
import type { InferenceResult } from '../../component/contract/result.ts';

export interface ResultFilter {
  readonly camera?: string;
  readonly outcome?: string;
  readonly label?: string;
}

/** Rejects with the server's own words when the answer is an error. */
async function request(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(10_000) });
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
