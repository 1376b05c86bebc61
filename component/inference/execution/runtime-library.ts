import { fork } from 'node:child_process';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VedetteError } from '../../contract/errors.ts';
import type { SerializedError } from '../../contract/errors.ts';
import { childEnvironment } from '../child-environment.ts';
import { entryFile } from '../../contract/entry-file.ts';
import { runtimeVersion } from '../runtime-version.ts';
import { libraryInvalid, requireBinding } from './use-runtime-library.ts';

export interface LibraryOrder {
  /** Absolute path, links resolved. */
  readonly library: string;
}
export type LibraryAnswer =
  | { readonly kind: 'usable'; readonly backends: readonly string[] }
  | { readonly kind: 'refused'; readonly error: SerializedError };

const TIMEOUT_MS = 30_000;
const MAX_STDERR = 2000;

/** ELF header (elf(5)): e_machine by Node's name of the architecture. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/**
 * The ONNX Runtime library of a device: one for the whole process, since `onnxruntime-node` is bound
 * once. It is tried in a process of its own before any thread of this one maps it.
 */
export class RuntimeLibrary {
  readonly #folder: string;
  #tried: { readonly content: string; readonly file: Promise<string> } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Absolute path of the library, links resolved, when it can be used. It is tried again when it
   * could not, and when its files are others.
   * @throws VedetteError RUNTIME_LIBRARY_INVALID
   */
  async file(): Promise<string> {
    const library = await findLibrary(this.#folder, await runtimeVersion());
    const content = await libraryContent(library);
    if (this.#tried?.content !== content) this.#tried = { content, file: this.#try(library) };
    const tried = this.#tried;
    try {
      return await tried.file;
    } catch (error) {
      if (this.#tried === tried) this.#tried = undefined;
      throw error;
    }
  }

  async #try(library: string): Promise<string> {
    await checkHeader(library);
    await tryLibrary({ library });
    return library;
  }
}

/**
 * What the models of this process run on: the path of the device's library, nothing for the one that
 * Vedette brings.
 * @throws VedetteError RUNTIME_LIBRARY_INVALID, also when the process is bound to another one
 */
export async function processLibrary(
  library: RuntimeLibrary | undefined,
): Promise<string | undefined> {
  const file = await library?.file();
  requireBinding(file);
  return file;
}

/** Sizes and times of a library and of what belongs to it: other files give another text. */
export async function libraryContent(library: string): Promise<string> {
  const folder = dirname(library);
  const names = (await readdir(folder)).filter((name) => name.includes('onnxruntime')).sort();
  const marks = names.map(async (name) => {
    // A link without an end is no part of it.
    const found = await stat(join(folder, name)).catch(() => undefined);
    return found ? `${name} ${found.size} ${found.mtimeMs}` : name;
  });
  return [library, ...(await Promise.all(marks))].join(', ');
}

async function findLibrary(folder: string, version: string): Promise<string> {
  const names = ['libonnxruntime.so.1', `libonnxruntime.so.${version}`, 'libonnxruntime.so'];
  let found: string[];
  try {
    found = await readdir(folder);
  } catch (error) {
    throw libraryInvalid(folder, 'the folder does not exist or cannot be read', error);
  }
  const name = names.find((candidate) => found.includes(candidate));
  if (name !== undefined) return realpath(join(folder, name));
  const like = found.filter((file) => file.includes('onnxruntime'));
  const has = like.length > 0 ? `, it has ${like.join(', ')}` : '';
  throw libraryInvalid(folder, `expected a folder with ${names.join(' or ')}${has}`);
}

async function checkHeader(library: string): Promise<void> {
  const file = await open(library);
  try {
    const header = Buffer.alloc(20);
    const { bytesRead } = await file.read(header, 0, 20, 0);
    const isElf = bytesRead === 20 && header.readUInt32BE(0) === 0x7f454c46;
    if (!isElf) throw libraryInvalid(library, 'it is no shared library (ELF)');
    const machine = header.readUInt16LE(18);
    const expected = MACHINES[process.arch];
    if (header[4] === 2 && machine === expected) return;
    const name = Object.keys(MACHINES).find((arch) => MACHINES[arch] === machine);
    throw libraryInvalid(
      library,
      `it is for ${header[4] === 2 ? (name ?? `machine ${machine}`) : 'a 32-bit machine'}, this one is ${process.arch}`,
    );
  } finally {
    await file.close();
  }
}

/** @throws VedetteError RUNTIME_LIBRARY_INVALID, also when the process that tries it crashes or hangs */
function tryLibrary(order: LibraryOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(entryFile('library-probe', import.meta.url)), {
      execArgv: [],
      env: childEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let answer: LibraryAnswer | undefined;
    let stderr = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    child.stderr?.setEncoding('utf8');
    child.stderr?.on('data', (text: string) => (stderr = (stderr + text).slice(-MAX_STDERR)));
    child.on('message', (message: LibraryAnswer) => (answer = message));
    child.once('error', (error) => reject(libraryInvalid(order.library, error.message, error)));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (answer?.kind === 'usable') resolve();
      else if (answer) reject(VedetteError.deserialize(answer.error));
      else {
        const end = signal ? `was ended by ${signal}` : `ended with code ${code}`;
        const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`;
        reject(libraryInvalid(order.library, `the process that tried it ${end}${said}`));
      }
    });
    child.send(order, () => undefined);
  });
}
