import { readFileSync } from 'node:fs';
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
