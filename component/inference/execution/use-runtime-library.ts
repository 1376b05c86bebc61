import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadOnnxRuntime } from '../../../native/index.ts';
import { VedetteError } from '../../contract/errors.ts';
import { runtimeVersion } from '../runtime-version.ts';

/**
 * Binds this process to an ONNX Runtime library. To be called in each thread before `onnxruntime-node`
 * is imported; the first one decides for the process.
 * @param library absolute path, links resolved; that of `onnxruntime-node` itself when absent
 * @throws VedetteError RUNTIME_LIBRARY_INVALID, also for a version that `onnxruntime-node` is not
 * linked to: its binding asks for the symbols of exactly one
 */
export async function useRuntimeLibrary(library: string | undefined): Promise<void> {
  if (library === undefined) return;
  const version = await runtimeVersion();
  let found: string;
  try {
    found = loadOnnxRuntime(library);
  } catch (error) {
    const reason = VedetteError.from(error).message;
    throw libraryInvalid(library, `the dynamic linker refused it: ${reason}`, error);
  }
  if (found !== version) {
    throw libraryInvalid(
      library,
      `it is ONNX Runtime ${found}, expected ${version}, to which onnxruntime-node is linked`,
    );
  }
}

/**
 * A process is bound to one library until it ends: with another, its workers would go on with the
 * first one without a word.
 * @param library as for `useRuntimeLibrary`
 * @throws VedetteError RUNTIME_LIBRARY_INVALID when this process is bound to another one
 */
export function requireBinding(library: string | undefined): void {
  const own = realpathSync(
    fileURLToPath(new URL('.', import.meta.resolve('onnxruntime-node/package.json'))),
  );
  const other = mappedRuntimes().find((file) =>
    library === undefined ? !file.startsWith(own) : file !== library,
  );
  if (other === undefined) return;
  throw libraryInvalid(
    library ?? 'the ONNX Runtime that Vedette brings',
    `this process is bound to ${other} until it ends; restart the component`,
  );
}

/** Files named libonnxruntime.so… that this process has mapped. */
export function mappedRuntimes(): string[] {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const files = maps.matchAll(/^.*? (\/.*\/libonnxruntime\.so[^/\n]*)$/gm);
  return [...new Set([...files].map((match) => match[1]!))];
}

export function libraryInvalid(library: string, why: string, cause?: unknown): VedetteError {
  return new VedetteError('RUNTIME_LIBRARY_INVALID', `${library} cannot be used: ${why}`, {
    cause,
    details: { library },
  });
}
