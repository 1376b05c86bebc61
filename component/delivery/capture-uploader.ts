import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { BackOff } from '../camera/back-off.ts';
import { pause } from '../camera/pause.ts';
import type { DeliveryConfig } from '../contract/delivery-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { StoredCapture } from '../contract/ports.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { captureDocumentPath } from '../registry/capture-files.ts';
import type { Registry } from '../registry/registry.ts';

const LOOK_MS = 2000;
const RETRY = { firstMs: 2000, maximumMs: 300_000 };
/** Faults of one capture alone: others need not wait for it. */
const ITS_OWN = new Set(['ARTIFACT_CONFLICT', 'ARTIFACT_CORRUPT']);

export interface CaptureUploaderOptions {
  readonly registry: Pick<Registry, 'nextCaptureUpload' | 'captureUploaded'>;
  readonly store: ObjectStore;
  readonly thing: string;
  readonly captures: DeliveryConfig['captures'];
  readonly fileOf: (capture: StoredCapture) => string;
  /** What is in the way; `undefined` when nothing is. */
  readonly onProblem: (error: VedetteError | undefined) => void;
  /** The wall clock, for the hours of the day. */
  readonly now?: () => Date;
}

/** Puts captures into the store: the picture, then what is known of it; oldest first. */
export class CaptureUploader {
  readonly #options: CaptureUploaderOptions;
  readonly #closing = new AbortController();
  readonly #backOff = new BackOff(RETRY);
  #after = 0;
  #uploaded = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CaptureUploaderOptions) {
    this.#options = options;
  }

  /** Since the start. */
  get uploaded(): number {
    return this.#uploaded;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let pauseMs = LOOK_MS;
      try {
        pauseMs = await this.#uploadNext();
        this.#backOff.reset();
        this.#options.onProblem(undefined);
      } catch (thrown) {
        if (signal.aborted) return;
        const error = VedetteError.from(thrown);
        if (error.code === 'SHUTTING_DOWN') return;
        this.#options.onProblem(error);
        if (!ITS_OWN.has(error.code)) pauseMs = this.#backOff.next();
      }
      if (pauseMs > 0) await pause(pauseMs, signal);
    }
  }

  /**
   * Puts one there now, whatever the hour and whatever waits; again does no harm.
   * @returns its key below the prefix @throws VedetteError NOT_FOUND, and as ObjectStore
   */
  async uploadNow(capture: StoredCapture): Promise<{ key: string; byteLength: number }> {
    const { key } = await this.#upload(capture);
    if (key !== undefined) return { key, byteLength: capture.byteLength };
    throw new VedetteError(
      'NOT_FOUND',
      `the picture of capture ${capture.id} was deleted by retention`,
    );
  }

  /** @returns the pause before the next, in milliseconds */
  async #uploadNext(): Promise<number> {
    const { registry, captures, now = () => new Date() } = this.#options;
    if (!isWithin(captures.hours, now().getHours())) return LOOK_MS;
    const waiting = await registry.nextCaptureUpload(this.#after);
    if (waiting === undefined) {
      this.#after = 0;
      return LOOK_MS;
    }
    const startedMs = performance.now();
    // One that fails is passed by until the others had their turn.
    const before = this.#after;
    this.#after = waiting.key;
    let bytes: number;
    try {
      ({ bytes } = await this.#upload(waiting.capture));
    } catch (thrown) {
      if (!ITS_OWN.has(VedetteError.from(thrown).code)) this.#after = before;
      throw thrown;
    }
    await registry.captureUploaded(waiting.key);
    const { maxBytesPerSecond = Infinity } = captures;
    return Math.max(0, (bytes / maxBytesPerSecond) * 1000 - (performance.now() - startedMs));
  }

  /** @returns bytes sent and the key; neither when retention took the picture meanwhile */
  async #upload(capture: StoredCapture): Promise<{ bytes: number; key?: string }> {
    const { store, fileOf } = this.#options;
    const { signal } = this.#closing;
    const file = fileOf(capture);
    const found = await describe(file);
    if (found === undefined) return { bytes: 0 };
    const { byteLength, sha256 } = found;
    const extension = extname(file).slice(1);
    const base = `${this.#folderOf(capture)}/${capture.id}-${sha256.slice(0, 16)}`;
    const contentType = extension === 'jpg' ? 'image/jpeg' : `image/${extension}`;
    const source = { file, fileName: capture.imagePath, byteLength, sha256, contentType };
    const isNew = await store.putFile(source, `${base}.${extension}`, { signal });
    const document = await readFile(captureDocumentPath(file)).catch(unlessGone);
    if (document) await store.replace(`${base}.json`, document, 'application/json');
    this.#uploaded += 1;
    const bytes = (isNew ? byteLength : 0) + (document?.length ?? 0);
    return { bytes, key: `${base}.${extension}` };
  }

  #folderOf({ camera, capturedAtMs }: StoredCapture): string {
    const day = new Date(capturedAtMs).toISOString().slice(0, 10).replaceAll('-', '/');
    return `${this.#options.thing}/${camera}/${day}`;
  }
}

/** Whether an hour of the day lies in a schedule, which may go over midnight. */
export function isWithin(hours: DeliveryConfig['captures']['hours'], hour: number): boolean {
  if (hours === undefined || hours.from === hours.to) return true;
  const { from, to } = hours;
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

async function describe(
  file: string,
): Promise<{ readonly byteLength: number; readonly sha256: string } | undefined> {
  const found = await stat(file).catch(unlessGone);
  if (found === undefined) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { byteLength: found.size, sha256: hash.digest('hex') };
}

function unlessGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
