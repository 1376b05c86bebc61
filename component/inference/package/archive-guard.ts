import { basename } from 'node:path';
import { VedetteError } from '../../contract/errors.ts';
import { isInsidePath } from '../../contract/model-manifest.ts';
import { PACKAGE_ARCHIVE_LIMITS } from '../../contract/package-archive-limits.ts';

const { maxFiles, maxBytes, maxRatio, ratioFromBytes, maxDepth, maxPathBytes } =
  PACKAGE_ARCHIVE_LIMITS;

/** Lets pass what an archive of a model package may hold, and refuses the rest with its reason. */
export class ArchiveGuard {
  readonly #archive: string;
  readonly #archiveBytes: number;
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  #entries = 0;
  #bytes = 0;

  /** @param archiveBytes size of the archive itself */
  constructor(archive: string, archiveBytes: number) {
    this.#archive = basename(archive);
    this.#archiveBytes = archiveBytes;
  }

  /** @throws VedetteError MODEL_ARCHIVE_TOO_LARGE */
  expectEntries(count: number): void {
    if (count > maxFiles) throw this.tooLarge(`has ${count} entries, at most ${maxFiles} are read`);
  }

  /**
   * The next entry, by the name that the archive gives it.
   * @returns its path inside the package; `undefined` for a folder
   * @throws VedetteError MODEL_ARCHIVE_INVALID for a name that is used twice, leads out of the
   * package or is file and folder at once; MODEL_ARCHIVE_TOO_LARGE
   */
  admit(name: string, isFolder: boolean): string | undefined {
    this.#entries += 1;
    this.expectEntries(this.#entries);
    const path = name.replace(/^\.\//, '').replace(/\/$/, '');
    if (isFolder && (path === '' || path === '.')) return undefined;
    const pathBytes = Buffer.byteLength(path);
    if (pathBytes > maxPathBytes) {
      throw this.tooLarge(
        `has '${shown(path)}', a path of ${pathBytes} bytes, at most ${maxPathBytes} are read`,
      );
    }
    if (!isInsidePath(path)) throw this.invalid(`'${shown(name)}' is no path inside a package`);
    const parts = path.split('/');
    if (parts.length > maxDepth) {
      throw this.tooLarge(
        `has '${shown(path)}', ${parts.length} names deep, at most ${maxDepth} are read`,
      );
    }
    for (let length = 1; length < parts.length; length += 1) {
      this.#folders.add(parts.slice(0, length).join('/'));
    }
    if (isFolder) this.#folders.add(path);
    else if (this.#files.has(path)) throw this.invalid(`'${shown(path)}' stands in it twice`);
    else this.#files.add(path);
    const clash = [path, ...this.#parents(parts)].find(
      (one) => this.#files.has(one) && this.#folders.has(one),
    );
    if (clash !== undefined) throw this.invalid(`'${shown(clash)}' is both a file and a folder`);
    return isFolder ? undefined : path;
  }

  /** Counts unpacked bytes. @throws VedetteError MODEL_ARCHIVE_TOO_LARGE */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > maxBytes) {
      throw this.tooLarge(`unpacks to more than ${maxBytes} bytes, which is the most that is read`);
    }
    if (this.#bytes > ratioFromBytes && this.#bytes > maxRatio * this.#archiveBytes) {
      throw this.tooLarge(
        `unpacks to more than ${maxRatio} times its ${this.#archiveBytes} bytes, as a zip bomb does`,
      );
    }
  }

  /** Begins to count from 0 again: after the announced sizes, the real ones. */
  recount(): void {
    this.#bytes = 0;
  }

  invalid(problem: string, cause?: unknown): VedetteError {
    return new VedetteError('MODEL_ARCHIVE_INVALID', `archive ${this.#archive}: ${problem}`, {
      cause,
      details: { archive: this.#archive, problem },
    });
  }

  tooLarge(problem: string): VedetteError {
    return new VedetteError('MODEL_ARCHIVE_TOO_LARGE', `archive ${this.#archive} ${problem}`, {
      details: { archive: this.#archive, problem },
    });
  }

  #parents(parts: readonly string[]): string[] {
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
  }
}

const MAX_SHOWN = 120;

const shown = (name: string): string =>
  name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
