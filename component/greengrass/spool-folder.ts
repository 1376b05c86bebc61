import { readFile, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, writeSynced } from '../configuration/write-synced.ts';
import { SPOOL, spoolAnswerSchema, spoolRequestSchema } from '../contract/model-spool.ts';
import type { SpoolAnswer, SpoolRequest } from '../contract/model-spool.ts';

/** A request is a few hundred bytes; more is none. */
const MAX_REQUEST_BYTES = 65_536;
const ANSWER_AGE_MS = 86_400_000;
/** A request is written within a moment, in milliseconds. */
const PART_AGE_MS = 3_600_000;
const ID = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,199}$/;

export type WaitingRequest =
  | { readonly id: string; readonly request: SpoolRequest }
  | { readonly id: string; readonly problem: string };

/** The two folders through which model components and the runtime speak. */
export class SpoolFolder {
  readonly #requests: string;
  readonly #answers: string;

  constructor(workFolder: string) {
    this.#requests = path.join(workFolder, SPOOL.folder, SPOOL.requests);
    this.#answers = path.join(workFolder, SPOOL.folder, SPOOL.answers);
  }

  /** Makes the folders: their presence tells components that somebody reads them. */
  async open(): Promise<void> {
    await makeFolder(this.#answers);
    await makeFolder(this.#requests);
  }

  /** What waits, oldest first. Files without a usable name are left to whoever put them there. */
  async waiting(): Promise<WaitingRequest[]> {
    const found: { atMs: number; one: WaitingRequest }[] = [];
    for (const name of await readdir(this.#requests)) {
      const id = name.endsWith('.json') ? name.slice(0, -'.json'.length) : '';
      if (!ID.test(id)) continue;
      const file = path.join(this.#requests, name);
      const { mtimeMs, size } = await stat(file).catch(() => ({ mtimeMs: 0, size: -1 }));
      // Its component gave up and took it back.
      if (size === -1) continue;
      found.push({ atMs: mtimeMs, one: await this.#read(file, id, size) });
    }
    return found.sort((a, b) => a.atMs - b.atMs).map(({ one }) => one);
  }

  /** Answers, then removes the request: who is killed in between answers twice the same. */
  async answer(answer: SpoolAnswer): Promise<void> {
    const text = JSON.stringify(spoolAnswerSchema.parse(answer));
    await writeSynced(path.join(this.#answers, `${answer.id}.json`), `${text}\n`);
    await rm(path.join(this.#requests, `${answer.id}.json`), { force: true });
  }

  async removeOldAnswers(nowMs: number): Promise<void> {
    for (const name of await readdir(this.#answers)) {
      const file = path.join(this.#answers, name);
      if ((await stat(file)).mtimeMs < nowMs - ANSWER_AGE_MS) await rm(file, { force: true });
    }
  }

  /** What a component that was killed while it asked has left half written. */
  async removeOldParts(nowMs: number): Promise<void> {
    for (const name of await readdir(this.#requests)) {
      if (!name.endsWith('.part')) continue;
      const file = path.join(this.#requests, name);
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: nowMs }));
      if (mtimeMs < nowMs - PART_AGE_MS) await rm(file, { force: true });
    }
  }

  async #read(file: string, id: string, size: number): Promise<WaitingRequest> {
    if (size > MAX_REQUEST_BYTES) {
      return {
        id,
        problem: `the request has ${size} bytes, at most ${MAX_REQUEST_BYTES} are read`,
      };
    }
    let value: unknown;
    try {
      value = JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      return { id, problem: `the request is not JSON: ${(error as Error).message}` };
    }
    const parsed = spoolRequestSchema.safeParse(value);
    if (!parsed.success) {
      const list = parsed.error.issues.map(
        ({ path: at, message }) => `${at.join('.')}: ${message}`,
      );
      return { id, problem: `the request is not as expected: ${list.join('; ')}` };
    }
    if (parsed.data.id !== id) {
      return { id, problem: `the request calls itself ${parsed.data.id}, its file ${id}` };
    }
    return { id, request: parsed.data };
  }
}
