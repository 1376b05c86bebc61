import { readFileSync } from 'node:fs';
import { type CutOptions, RecordedFile, RecordedFolder, writeFolder } from './recorded-files.ts';

interface Entry {
  readonly kind: string;
  readonly handle: number;
  readonly offset: number;
  readonly a: Buffer;
  readonly b: Buffer;
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
   * was synced, and of the rest what `options` says. A name is there when its folder was synced since,
   * and that folder's own name, up to the one that is recorded.
   */
  restore(target: string, byteLength: number, options: CutOptions): void {
    const root = new RecordedFolder();
    const handles = new Map<number, RecordedFile>();
    const place = (name: string) => this.#placeOf(root, name);
    for (const { kind, handle, offset, a, b } of this.#entries(byteLength)) {
      const name = a.toString();
      const file = handles.get(handle);
      if (kind === 'O') {
        const { folder, base } = place(name);
        const known = (offset & 1) === 0 ? folder.names.get(base) : undefined;
        const opened = known instanceof RecordedFile ? known : new RecordedFile();
        if ((offset & 2) !== 0) opened.change(0, undefined);
        folder.names.set(base, opened);
        handles.set(handle, opened);
      } else if (kind === 'W') file?.change(offset, a);
      else if (kind === 'T') file?.change(offset, undefined);
      else if (kind === 'S') file?.sync();
      else if (kind === 'R' || kind === 'L') {
        const [from, to] = [place(name), place(b.toString())];
        const moved = from.folder.names.get(from.base);
        if (kind === 'R') from.folder.names.delete(from.base);
        if (moved) to.folder.names.set(to.base, moved);
      } else if (kind === 'U' || kind === 'D') {
        const { folder, base } = place(name);
        folder.names.delete(base);
      } else if (kind === 'M') {
        const { folder, base } = place(name);
        folder.names.set(base, new RecordedFolder());
      } else if (kind === 'F') this.#folderAt(root, name).sync();
    }
    writeFolder(target, root, options);
  }

  #placeOf(root: RecordedFolder, name: string): { folder: RecordedFolder; base: string } {
    const at = name.lastIndexOf('/');
    return { folder: this.#folderAt(root, name.slice(0, at)), base: name.slice(at + 1) };
  }

  #folderAt(root: RecordedFolder, name: string): RecordedFolder {
    let folder = root;
    for (const part of name.slice(this.#folder.length).split('/')) {
      if (part === '') continue;
      const next = folder.names.get(part);
      if (!(next instanceof RecordedFolder)) throw new Error(`${name} was never made`);
      folder = next;
    }
    return folder;
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
