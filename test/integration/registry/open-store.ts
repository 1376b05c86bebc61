import { onTestFinished } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import type { NewResult, Notice } from '../../../component/contract/ports.ts';
import type { AppendOptions } from '../../../component/registry/registry.ts';
import { RegistryStore } from '../../../component/registry/registry-store.ts';
import { toResultRow } from '../../../component/registry/result-row.ts';
import { temporaryFolder } from './temporary-registry.ts';

export interface OpenStore {
  readonly store: RegistryStore;
  readonly dataFolder: string;
  readonly notices: Notice[];
  append(result: NewResult, durability: AppendOptions['durability']): Promise<number | null>;
}

/** What the worker holds, opened in the test's own thread to look at its connection. */
export async function openStore(folder?: string): Promise<OpenStore> {
  const dataFolder = folder ?? (await temporaryFolder());
  const notices: Notice[] = [];
  const store = RegistryStore.open(dataFolder, {
    onNotice: (notice) => notices.push(notice),
    onCorruption: () => undefined,
  });
  onTestFinished(() => store.close());
  const append: OpenStore['append'] = (result, durability) =>
    new Promise((settle, reject: (error: VedetteError) => void) => {
      const row = toResultRow(result);
      const isPromised = durability === 'promised';
      store.writer.add({ row, isPromised, mayWait: durability === 'gathered', settle, reject });
    });
  return { store, dataFolder, notices, append };
}
