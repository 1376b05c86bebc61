import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
const ITS_OWN = new Set(['ARTIFACT_CONFLICT', 'ARTIFACT_CORRUPT', 'PICTURE_UNREADABLE']);
/** Of these, what may pass is tried so often. */
const MAX_ATTEMPTS = 6;
/** What reading a file says of the system, not of the file. */
const SYSTEM_FAULTS = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);

/** One that could not be uploaded and is tried again. */
interface Failing {
  readonly error: VedetteError;
  readonly attempts: number;
  readonly retry: BackOff;
  readonly notBeforeMs: number;
}

export interface CaptureUploaderOptions {
  readonly registry: Pick<Registry, 'nextCaptureUpload' | 'endCaptureUpload'>;
  readonly store: ObjectStore;
  readonly thing: string;
  readonly captures: DeliveryConfig['captures'];
  readonly fileOf: (capture: StoredCapture) => string;
  /** What is in the way; `undefined` when nothing is. */
  readonly onProblem: (error: VedetteError | undefined) => void;
  /** The wall clock, for the hours of the day. */
  readonly now?: () => Date;
}

/**
 * Puts captures into the store: the picture, then what is known of it; oldest first. One that cannot be
 * read, or whose place another has, is given up; one that may still succeed waits by itself.
 */
export class CaptureUploader {
  readonly #options: CaptureUploaderOptions;
  readonly #closing = new AbortController();
  readonly #backOff = new BackOff(RETRY);
  readonly #failing = new Map<number, Failing>();
  #shown: VedetteError | undefined;
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
        this.#show(undefined);
      } catch (thrown) {
        if (signal.aborted) return;
        const error = VedetteError.from(thrown);
        if (error.code === 'SHUTTING_DOWN') return;
        this.#show(error);
        pauseMs = this.#backOff.next();
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
    const { key, capture } = waiting;
    const startedMs = performance.now();
    if ((this.#failing.get(key)?.notBeforeMs ?? 0) > startedMs) {
      this.#after = key;
      return 0;
    }
    let bytes = 0;
    try {
      ({ bytes } = await this.#upload(capture));
      await registry.endCaptureUpload(key);
      this.#failing.delete(key);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      if (!ITS_OWN.has(error.code)) throw thrown;
      await this.#fail(key, capture, error);
    }
    this.#after = key;
    return pauseAfter(bytes, performance.now() - startedMs, captures.maxBytesPerSecond);
  }

  async #fail(key: number, { id }: StoredCapture, error: VedetteError): Promise<void> {
    const before = this.#failing.get(key);
    const attempts = (before?.attempts ?? 0) + 1;
    if (attempts < MAX_ATTEMPTS && mayPass(error)) {
      const retry = before?.retry ?? new BackOff(RETRY);
      const notBeforeMs = performance.now() + retry.next();
      this.#failing.set(key, { error, attempts, retry, notBeforeMs });
      return;
    }
    const reason = `capture ${id} is not uploaded, it was given up: ${error.message}`;
    await this.#options.registry.endCaptureUpload(key, reason);
    this.#failing.delete(key);
  }

  /** Shows what is in the way of all, else what is in the way of one, until neither is. */
  #show(problem: VedetteError | undefined): void {
    const [failing] = this.#failing.values();
    const shown = problem ?? failing?.error;
    if (shown?.message === this.#shown?.message) return;
    this.#shown = shown;
    this.#options.onProblem(shown);
  }

  /** @returns bytes sent and the key; neither when retention took the picture meanwhile */
  async #upload(capture: StoredCapture): Promise<{ bytes: number; key?: string }> {
    const { store, fileOf } = this.#options;
    const { signal } = this.#closing;
    const file = fileOf(capture);
    const found = await describe(file, capture.byteLength);
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

/**
 * The pause behind what was sent in `tookMs`, in milliseconds, so that the mean is the rate that is
 * allowed.
 */
export function pauseAfter(bytes: number, tookMs: number, maxBytesPerSecond = Infinity): number {
  return Math.max(0, (bytes / maxBytesPerSecond) * 1000 - tookMs);
}

/** A capture that has another's place, or whose file is damaged, stays so; a permission may come. */
function mayPass({ code, details }: VedetteError): boolean {
  if (code === 'PICTURE_UNREADABLE') return /^(EACCES|EPERM)$/.test(String(details['systemCode']));
  return code !== 'ARTIFACT_CONFLICT';
}

/** @throws VedetteError PICTURE_UNREADABLE */
async function describe(
  file: string,
  expectedBytes: number,
): Promise<{ readonly byteLength: number; readonly sha256: string } | undefined> {
  const hash = createHash('sha256');
  let byteLength = 0;
  try {
    for await (const chunk of createReadStream(file)) {
      byteLength += (chunk as Buffer).length;
      hash.update(chunk as Buffer);
    }
  } catch (thrown) {
    return unlessGone(thrown);
  }
  if (byteLength === expectedBytes) return { byteLength, sha256: hash.digest('hex') };
  const message = `${file} holds ${byteLength} bytes, expected ${expectedBytes}`;
  throw new VedetteError('PICTURE_UNREADABLE', message);
}

/** @throws VedetteError PICTURE_UNREADABLE; what is no fault of the file as it came */
function unlessGone(thrown: unknown): undefined {
  const { code, path, message } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOENT') return undefined;
  if (code === undefined || SYSTEM_FAULTS.has(code)) throw thrown;
  throw new VedetteError(
    'PICTURE_UNREADABLE',
    `${path ?? 'a capture'} cannot be read: ${message}`,
    {
      cause: thrown,
      details: { systemCode: code },
    },
  );
}
