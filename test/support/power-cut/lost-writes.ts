import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A page of the cache: it reaches the disk as a whole or not. */
const PAGE_BYTES = 4096;

interface Change {
  readonly at: number;
  /** `undefined`: cut to `at` bytes. */
  readonly data: Buffer | undefined;
}

/** What a file holds on the disk, and what was changed since it was synced last. */
interface RecordedFile {
  synced: Buffer;
  changes: Change[];
}

interface Entry {
  readonly kind: string;
  readonly handle: number;
  readonly offset: number;
  readonly a: Buffer;
  readonly b: Buffer;
}

export interface CutOptions {
  /** 0 to 1: what of the unsynced the disk has all the same; anything between: each page by chance. */
  readonly kept: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What `record-writes.c` wrote down, read up to any point. */
export class RecordedWrites {
  readonly #bytes: Buffer;
  readonly #folder: string;

  constructor(logFile: string, folder: string) {
    this.#bytes = readFileSync(logFile);
    this.#folder = folder;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** Bytes that were written, by whatever call. */
  get writtenBytes(): number {
    let sum = 0;
    for (const { kind, a } of this.#entries(this.byteLength)) if (kind === 'W') sum += a.length;
    return sum;
  }

  get syncs(): number {
    return [...this.#entries(this.byteLength)].filter(({ kind }) => kind === 'S').length;
  }

  /**
   * Makes in `target` what a power cut leaves that comes when the record has `byteLength` bytes: what
   * was synced, and of the rest what `options` says. A name is there when its folder was synced since.
   */
  restore(target: string, byteLength: number, options: CutOptions): void {
    const names = new Map<string, RecordedFile>();
    const syncedNames = new Map<string, RecordedFile>();
    const handles = new Map<number, RecordedFile>();
    for (const { kind, handle, offset, a, b } of this.#entries(byteLength)) {
      const name = a.toString();
      const file = handles.get(handle);
      if (kind === 'O') {
        const known = (offset & 1) === 0 ? names.get(name) : undefined;
        const opened = known ?? { synced: Buffer.alloc(0), changes: [] };
        if ((offset & 2) !== 0) opened.changes.push({ at: 0, data: undefined });
        names.set(name, opened);
        handles.set(handle, opened);
      } else if (kind === 'W') file?.changes.push({ at: offset, data: a });
      else if (kind === 'T') file?.changes.push({ at: offset, data: undefined });
      else if (kind === 'S' && file) {
        file.synced = apply(file.synced, file.changes);
        file.changes = [];
      } else if (kind === 'R') {
        const moved = names.get(name);
        names.delete(name);
        if (moved) names.set(b.toString(), moved);
      } else if (kind === 'U') names.delete(name);
      else if (kind === 'F') syncNames(name, names, syncedNames);
    }
    const files = options.kept === 1 ? names : syncedNames;
    for (const [name, file] of files) {
      const place = path.join(target, path.relative(this.#folder, name));
      mkdirSync(path.dirname(place), { recursive: true });
      const isKept = () => options.random() < options.kept;
      const kept = file.changes.flatMap((change) => pagesOf(change).filter(isKept));
      writeFileSync(place, apply(file.synced, kept));
    }
  }

  *#entries(byteLength: number): Generator<Entry> {
    for (let at = 0; at + 21 <= byteLength;) {
      const [aLength, bLength] = [
        this.#bytes.readUInt32LE(at + 13),
        this.#bytes.readUInt32LE(at + 17),
      ];
      const end = at + 21 + aLength + bLength;
      if (end > byteLength) return;
      yield {
        kind: String.fromCharCode(this.#bytes[at]!),
        handle: this.#bytes.readUInt32LE(at + 1),
        offset: Number(this.#bytes.readBigUInt64LE(at + 5)),
        a: this.#bytes.subarray(at + 21, at + 21 + aLength),
        b: this.#bytes.subarray(at + 21 + aLength, end),
      };
      at = end;
    }
  }
}

function syncNames(
  folder: string,
  names: ReadonlyMap<string, RecordedFile>,
  synced: Map<string, RecordedFile>,
): void {
  for (const name of synced.keys()) if (path.dirname(name) === folder) synced.delete(name);
  for (const [name, file] of names) if (path.dirname(name) === folder) synced.set(name, file);
}

function pagesOf({ at, data }: Change): Change[] {
  if (data === undefined) return [{ at, data }];
  const pages: Change[] = [];
  for (let start = 0; start < data.length;) {
    const end = Math.min(data.length, start + PAGE_BYTES - ((at + start) % PAGE_BYTES));
    pages.push({ at: at + start, data: data.subarray(start, end) });
    start = end;
  }
  return pages;
}

function apply(before: Buffer, changes: readonly Change[]): Buffer {
  const length = changes.reduce(
    (most, { at, data }) => Math.max(most, at + (data?.length ?? 0)),
    before.length,
  );
  let bytes = Buffer.concat([before, Buffer.alloc(length - before.length)]);
  let end = before.length;
  for (const { at, data } of changes) {
    if (data === undefined) {
      if (at < end) bytes.fill(0, at, end);
      end = at;
    } else {
      data.copy(bytes, at);
      end = Math.max(end, at + data.length);
    }
  }
  bytes = bytes.subarray(0, end);
  return Buffer.from(bytes);
}
