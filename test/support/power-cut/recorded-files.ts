import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface CutOptions {
  /** 0 to 1: what of the unsynced the disk has all the same; anything between: each page and folder by chance. */
  readonly kept: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** A page of the cache: it reaches the disk as a whole or not. */
const PAGE_BYTES = 4096;

interface Change {
  readonly at: number;
  /** `undefined`: cut to `at` bytes. */
  readonly data: Buffer | undefined;
}

/** What a file holds on the disk, and what was changed since it was synced last. */
export class RecordedFile {
  #synced: Buffer = Buffer.alloc(0);
  #changes: Change[] = [];

  change(at: number, data: Buffer | undefined): void {
    this.#changes.push({ at, data });
  }

  sync(): void {
    this.#synced = apply(this.#synced, this.#changes);
    this.#changes = [];
  }

  left({ kept, random }: CutOptions): Buffer {
    const there = this.#changes.flatMap((one) => pagesOf(one).filter(() => random() < kept));
    return apply(this.#synced, there);
  }
}

/** The names in a folder, and those that are on the disk. */
export class RecordedFolder {
  readonly names = new Map<string, RecordedFile | RecordedFolder>();
  #synced = new Map<string, RecordedFile | RecordedFolder>();

  sync(): void {
    this.#synced = new Map(this.names);
  }

  left({ kept, random }: CutOptions): ReadonlyMap<string, RecordedFile | RecordedFolder> {
    return random() < kept ? this.names : this.#synced;
  }
}

/** Writes what is left of a folder. A file with several names is several files then. */
export function writeFolder(target: string, folder: RecordedFolder, options: CutOptions): void {
  mkdirSync(target, { recursive: true });
  for (const [name, one] of folder.left(options)) {
    const place = path.join(target, name);
    if (one instanceof RecordedFolder) writeFolder(place, one, options);
    else writeFileSync(place, one.left(options));
  }
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
