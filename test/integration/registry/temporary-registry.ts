import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Notice, ResultQuery } from '../../../component/contract/ports.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { Registry } from '../../../component/registry/registry.ts';

/** All results that a query has, page after page. */
export async function everyResult(
  registry: Registry,
  query: Omit<ResultQuery, 'limit'> = {},
): Promise<InferenceResult[]> {
  const results: InferenceResult[] = [];
  let cursor: string | undefined;
  do {
    const page = await registry.results({ ...query, limit: 1000, ...(cursor ? { cursor } : {}) });
    results.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return results;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-registry-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A registry that is closed when the test ends, and the notices that it gave. */
export async function openRegistry(
  folder?: string,
): Promise<{ registry: Registry; dataFolder: string; notices: Notice[] }> {
  const dataFolder = folder ?? (await temporaryFolder());
  const notices: Notice[] = [];
  const registry = await Registry.open({
    dataFolder,
    onNotice: (notice) => notices.push(notice),
  });
  onTestFinished(() => registry.close());
  return { registry, dataFolder, notices };
}
