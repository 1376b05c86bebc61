import { readdirSync, readFileSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nameSchema } from '../contract/model-manifest.ts';
import type { StoredCapture } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CaptureDocument } from './capture-files.ts';
import { CAPTURE_EXTENSIONS, captureDocumentSchema } from './capture-files.ts';

const MAX_DOCUMENT_BYTES = 8_388_608;
const NEWEST_LOOKED_AT = 20;
/** So many names are looked at before other requests have their turn. */
const NAMES_AT_ONCE = 100;
/** What is beyond is found at the next start. */
const MAX_LONELY_DOCUMENTS = 10_000;

export interface ReconcileSummary {
  readonly registered: number;
  /** Documents without their picture, by path below the capture folder: to be removed. */
  readonly lonelyDocuments: readonly string[];
  /** Pictures that nothing is known about; they were left alone. */
  readonly unknown: number;
  readonly unknownExample?: string;
}

export interface FoundCapture {
  readonly capture: StoredCapture;
  readonly diskBytes: number;
  readonly storedAtMs: number;
  readonly result: InferenceResult;
}

export interface ReconcileTarget {
  isRegistered(captureId: string): boolean;
  register(found: FoundCapture): void;
  isStopped(): boolean;
}

/**
 * Brings rows and files together after a crash or the loss of the database: a picture with its
 * document but without a row is registered, a document without its picture is told. Captures may be
 * written meanwhile: one that is found before its own row comes is registered once, and whoever
 * writes knows which of the lonely documents wait for their picture.
 */
export async function reconcileCaptures(
  root: string,
  target: ReconcileTarget,
): Promise<ReconcileSummary> {
  const lonelyDocuments: string[] = [];
  let registered = 0;
  let unknown = 0;
  let unknownExample: string | undefined;
  let looked = 0;
  for await (const folder of dayFolders(root)) {
    const names = new Set(await entries(join(root, folder)));
    for (const name of names) {
      looked += 1;
      if (looked % NAMES_AT_ONCE === 0) await nextTurn();
      if (target.isStopped()) break;
      const [stem = '', extension = ''] = splitName(name);
      if (target.isRegistered(stem)) continue;
      const path = posix.join(folder, name);
      if (extension === 'json') {
        if (CAPTURE_EXTENSIONS.some((other) => names.has(`${stem}.${other}`))) continue;
        if (lonelyDocuments.length < MAX_LONELY_DOCUMENTS) lonelyDocuments.push(path);
      } else if (CAPTURE_EXTENSIONS.includes(extension)) {
        if (await registerPicture(root, path, target)) registered += 1;
        else {
          unknown += 1;
          unknownExample ??= join(root, path);
        }
      }
    }
    if (target.isStopped()) break;
  }
  const example = unknownExample === undefined ? {} : { unknownExample };
  return { registered, lonelyDocuments, unknown, ...example };
}

async function registerPicture(
  root: string,
  imagePath: string,
  target: ReconcileTarget,
): Promise<boolean> {
  const [stem = ''] = splitName(posix.basename(imagePath));
  try {
    const file = join(root, imagePath);
    const documentFile = join(root, posix.dirname(imagePath), `${stem}.json`);
    const bytes = await readFile(documentFile);
    const document = parseDocument(bytes, stem, imagePath);
    if (document === undefined) return false;
    const { size, mtimeMs } = await stat(file);
    target.register({
      capture: { ...document.capture, imagePath, byteLength: size },
      diskBytes: size + bytes.length,
      storedAtMs: Math.round(mtimeMs),
      result: document.result,
    });
    return true;
  } catch (thrown) {
    // Deleted meanwhile, or never written: either way there is nothing to register.
    if (typeof (thrown as NodeJS.ErrnoException).syscall === 'string') return false;
    throw thrown;
  }
}

/**
 * The highest number that a camera's newest captures carry, so that a new database does not give
 * out numbers twice. Blocking: meant for the start of a worker.
 */
export function newestSequences(root: string): Map<string, number> {
  const sequences = new Map<string, number>();
  for (const camera of entriesSync(root).filter(isCameraName)) {
    let folder = camera;
    for (let depth = 0; depth < 3; depth += 1) {
      const newest = entriesSync(join(root, folder))
        .filter((name) => /^\d{2,4}$/.test(name))
        .at(-1);
      folder = posix.join(folder, newest ?? '.');
    }
    const documents = entriesSync(join(root, folder))
      .filter((name) => name.endsWith('.json'))
      .slice(-NEWEST_LOOKED_AT);
    for (const name of documents) {
      const sequence = sequenceIn(root, posix.join(folder, name));
      sequences.set(camera, Math.max(sequence, sequences.get(camera) ?? 0));
    }
  }
  return sequences;
}

function sequenceIn(root: string, documentPath: string): number {
  const [stem = ''] = splitName(posix.basename(documentPath));
  try {
    const bytes = readFileSync(join(root, documentPath));
    return parseDocument(bytes, stem, documentPath)?.result.cameraSequence ?? 0;
  } catch {
    return 0;
  }
}

/** Where a file lies is what counts; a document that says otherwise is not believed. */
function parseDocument(bytes: Buffer, id: string, imagePath: string): CaptureDocument | undefined {
  if (bytes.length > MAX_DOCUMENT_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  const parsed = captureDocumentSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { capture } = parsed.data;
  return capture.id === id && imagePath.startsWith(`${capture.camera}/`) ? parsed.data : undefined;
}

/** `<camera>/<yyyy>/<mm>/<dd>` below the root, oldest first within a camera. */
async function* dayFolders(root: string): AsyncGenerator<string> {
  for (const camera of (await entries(root)).filter(isCameraName)) {
    for (const year of await entries(join(root, camera))) {
      for (const month of await entries(join(root, camera, year))) {
        for (const day of await entries(join(root, camera, year, month))) {
          yield posix.join(camera, year, month, day);
        }
      }
    }
  }
}

function isCameraName(name: string): boolean {
  return nameSchema.safeParse(name).success;
}

function splitName(name: string): [string, string] {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
}

/** Names in a folder, sorted; none when it is no folder. */
async function entries(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(emptyWhenNoFolder)).sort();
}

function entriesSync(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (thrown) {
    return emptyWhenNoFolder(thrown);
  }
}

function emptyWhenNoFolder(thrown: unknown): string[] {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return [];
  throw thrown;
}
