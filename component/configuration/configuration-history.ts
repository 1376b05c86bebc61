import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseOrNothing } from './parse-or-nothing.ts';
import { makeFolder, syncFolder, writeSynced } from './write-synced.ts';

const FILE = 'configuration-changes.jsonl';
/** Some thousands of changes; then the older half goes. */
const MAX_BYTES = 1_048_576;

export const configurationChangeSchema = z.strictObject({
  at: z.iso.datetime(),
  /** Who asked: a layer, or an address that sent a patch. */
  by: z.string(),
  outcome: z.enum(['in-force', 'restarting', 'refused']),
  /** Of the configuration in force afterwards. */
  hash: z.string(),
  /** What differs from before; of a patch that was refused, what it was about. Never a value. */
  paths: z.array(z.string()),
  /** Why it was refused. */
  reason: z.string().optional(),
});
/** A line of the history of a device's configuration. */
export type ConfigurationChangeRecord = z.infer<typeof configurationChangeSchema>;

/** Who changed what of the configuration and when, in the data folder, a line each. */
export class ConfigurationHistory {
  readonly #file: string;

  constructor(dataFolder: string) {
    this.#file = path.join(dataFolder, FILE);
  }

  /** On the disk when it resolves. */
  async append(record: ConfigurationChangeRecord): Promise<void> {
    await makeFolder(path.dirname(this.#file));
    await this.#makeRoom();
    const handle = await open(this.#file, 'a', 0o600);
    try {
      const isNew = (await handle.stat()).size === 0;
      await handle.writeFile(`${JSON.stringify(record)}\n`);
      await handle.sync();
      if (isNew) await syncFolder(path.dirname(this.#file));
    } finally {
      await handle.close();
    }
  }

  /** Newest first. A line that a power cut left half written is left out. */
  async newest(limit: number): Promise<ConfigurationChangeRecord[]> {
    return (await this.#lines())
      .reverse()
      .flatMap((line) => {
        const parsed = configurationChangeSchema.safeParse(parseOrNothing(line));
        return parsed.success ? [parsed.data] : [];
      })
      .slice(0, limit);
  }

  async #makeRoom(): Promise<void> {
    const size = await stat(this.#file).then(
      (found) => found.size,
      () => 0,
    );
    if (size < MAX_BYTES) return;
    const lines = await this.#lines();
    await writeSynced(this.#file, `${lines.slice(lines.length / 2).join('\n')}\n`, 0o600);
  }

  async #lines(): Promise<string[]> {
    try {
      return (await readFile(this.#file, 'utf8')).split('\n').filter((line) => line !== '');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}
