import { readFile, writeFile } from 'node:fs/promises';

const HOUR_MS = 3_600_000;
/** Three failures within an hour make a component BROKEN, which only a deployment mends. */
const MOST_IN_AN_HOUR = 2;

/** Counts exits that ask to be started again, over the life of many processes. */
export class ExitAllowance {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Whether one more exit is safe now; when it is, it is counted. */
  async take(nowMs: number): Promise<boolean> {
    const recent = (await this.#exits()).filter((atMs) => atMs > nowMs - HOUR_MS && atMs <= nowMs);
    if (recent.length >= MOST_IN_AN_HOUR) return false;
    await writeFile(this.#file, JSON.stringify([...recent, nowMs]));
    return true;
  }

  async #exits(): Promise<number[]> {
    try {
      const list: unknown = JSON.parse(await readFile(this.#file, 'utf8'));
      return Array.isArray(list) ? list.filter((one) => typeof one === 'number') : [];
    } catch (error) {
      // A file that a crash cut short says as little as none.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) {
        return [];
      }
      throw error;
    }
  }
}
