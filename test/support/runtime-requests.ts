import { setTimeout as pause } from 'node:timers/promises';
import type { CameraStatus, ModelStatus, Notice, Page } from '../../component/contract/ports.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import type { ProblemDetails } from '../../local-server/plugins/problem-details.ts';
import type { RuntimeProcess } from './runtime-process.ts';

export type Picture = Uint8Array<ArrayBuffer>;
type Requester = Pick<RuntimeProcess, 'fetch'>;
type Runtime = Pick<RuntimeProcess, 'fetch' | 'get' | 'until'>;

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

async function post<T>(
  runtime: Requester,
  path: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const response = await runtime.fetch(path, { method: 'POST', body, headers });
  return { status: response.status, body: (await response.json()) as T };
}

const raw = { 'content-type': 'application/octet-stream' };

/** `POST /api/v1/models/{name}/infer`, whatever comes of it. */
export const postPicture = (runtime: Requester, model: string, data: Picture) =>
  post<InferenceResult & ProblemDetails>(runtime, `/api/v1/models/${model}/infer`, data, raw);

/** The same that must succeed. */
export async function infer(
  runtime: Requester,
  model: string,
  data: Picture,
): Promise<InferenceResult> {
  const { status, body } = await postPicture(runtime, model, data);
  if (status !== 200) throw new Error(`${model}: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** `POST /api/v1/cameras/{name}/frames`, whatever comes of it. */
export const pushPicture = (runtime: Requester, camera: string, data: Picture) =>
  post<InferenceResult & ProblemDetails>(runtime, `/api/v1/cameras/${camera}/frames`, data, raw);

export interface FormParts {
  readonly data: Picture;
  readonly fileName: string;
  readonly context?: object;
}

/** A picture with a `context`, as a multipart form. */
export function postForm(
  runtime: Requester,
  path: string,
  { data, fileName, context }: FormParts,
): Promise<Answer<InferenceResult & ProblemDetails>> {
  const form = new FormData();
  form.set('image', new Blob([data]), fileName);
  if (context) form.set('context', JSON.stringify(context));
  return post(runtime, path, form);
}

/** Every result that a filter lets through, oldest first, over as many pages as it takes. */
export async function allResults(
  runtime: Runtime,
  filter: Readonly<Record<string, string>> = {},
): Promise<InferenceResult[]> {
  const results: InferenceResult[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ ...filter, limit: '200', ...(cursor ? { cursor } : {}) });
    const page = await runtime.get<Page<InferenceResult>>(`/api/v1/results?${query}`);
    results.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return results.reverse();
}

export const camera = (runtime: Runtime, name: string) =>
  runtime.get<CameraStatus>(`/api/v1/cameras/${name}`);

export const cameraUntil = (
  runtime: Runtime,
  name: string,
  isDone: (camera: CameraStatus) => boolean,
  timeoutMs?: number,
) => runtime.until<CameraStatus>(`/api/v1/cameras/${name}`, isDone, timeoutMs);

export const model = (runtime: Runtime, name: string) =>
  runtime.get<ModelStatus>(`/api/v1/models/${name}`);

export const modelUntil = (
  runtime: Runtime,
  name: string,
  isDone: (model: ModelStatus) => boolean,
  timeoutMs?: number,
) => runtime.until<ModelStatus>(`/api/v1/models/${name}`, isDone, timeoutMs);

export const notices = async (runtime: Runtime): Promise<readonly Notice[]> =>
  (await runtime.get<{ items: Notice[] }>('/api/v1/notices')).items;

/** Values on `/metrics` by name and labels as they are written: `vedette_model_ready{model="a"}`. */
export async function metrics(runtime: Requester): Promise<ReadonlyMap<string, number>> {
  const text = await (await runtime.fetch('/metrics')).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** Looks again until there is something to give; rejects with `what` when there never is. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 25_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`never came: ${what}`);
    await pause(50);
  }
}
