import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create } from 'tar';
import type { Redactor } from './redactor.ts';

/** Unpacked, all files together: what can be sent by mail. */
export const MAX_BUNDLE_BYTES = 24 * 2 ** 20;

interface Entry {
  readonly name: string;
  readonly bytes: number;
  readonly cutBytes?: number;
}

/** Texts about a device, without secrets and bounded, that become one archive. */
export class SupportBundle {
  readonly #redactor: Redactor;
  readonly #files = new Map<string, string>();
  readonly #entries: Entry[] = [];
  readonly #missing: { readonly name: string; readonly reason: string }[] = [];
  #left: number;

  constructor(redactor: Redactor, maxBytes = MAX_BUNDLE_BYTES) {
    this.#redactor = redactor;
    this.#left = maxBytes;
  }

  /** The end of a text that is too long is kept: it is the newest. */
  add(name: string, text: string, cutBytes = 0): void {
    const clean = Buffer.from(this.#redactor.text(text));
    const kept = clean.subarray(Math.max(0, clean.length - this.#left));
    const cut = cutBytes + clean.length - kept.length;
    this.#left -= kept.length;
    this.#files.set(name, kept.toString('utf8'));
    this.#entries.push({ name, bytes: kept.length, ...(cut > 0 ? { cutBytes: cut } : {}) });
  }

  addJson(name: string, value: unknown): void {
    this.add(name, `${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** Says in the bundle what could not be had. */
  miss(name: string, reason: string): void {
    this.#missing.push({ name, reason: this.#redactor.text(reason) });
  }

  get missing(): readonly { readonly name: string; readonly reason: string }[] {
    return this.#missing;
  }

  /** Writes `file`, a tar.gz that only its owner may read. Returns its size in bytes. */
  async write(file: string): Promise<number> {
    const scratch = await mkdtemp(path.join(tmpdir(), 'vedette-support-'));
    try {
      const top = path.basename(file, '.tar.gz');
      const contents = { schemaVersion: 1, files: this.#entries, missing: this.#missing };
      this.#files.set('contents.json', `${JSON.stringify(contents, undefined, 2)}\n`);
      for (const [name, text] of this.#files) {
        const to = path.join(scratch, top, name);
        await mkdir(path.dirname(to), { recursive: true });
        await writeFile(to, text, { mode: 0o600 });
      }
      const part = `${path.resolve(file)}.part`;
      // Made closed before anything is in it.
      await writeFile(part, '', { mode: 0o600 });
      await chmod(part, 0o600);
      await create({ gzip: true, portable: true, cwd: scratch, file: part }, [top]);
      await rename(part, file);
      return (await stat(file)).size;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
}
