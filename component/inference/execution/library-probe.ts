/**
 * Child process that tries an ONNX Runtime library: maps it, binds `onnxruntime-node` to it and looks
 * which one is mapped then. A wrong one may end the process; its parent copes.
 */
import { VedetteError } from '../../contract/errors.ts';
import { loadRuntime } from './load-runtime.ts';
import type { LibraryAnswer, LibraryOrder } from './runtime-library.ts';
import { libraryInvalid, mappedRuntimes } from './use-runtime-library.ts';

process.once('message', (order: LibraryOrder) => void probe(order));

async function probe({ library }: LibraryOrder): Promise<void> {
  let answer: LibraryAnswer;
  try {
    const runtime = await loadRuntime(library);
    const mapped = mappedRuntimes();
    if (mapped.length !== 1 || mapped[0] !== library) {
      throw libraryInvalid(
        library,
        `onnxruntime-node is bound to ${mapped.find((file) => file !== library)} in its place; the name inside of the library (SONAME) must be libonnxruntime.so.1`,
      );
    }
    const backends = runtime.listSupportedBackends().map(({ name }) => name);
    answer = { kind: 'usable', backends };
  } catch (error) {
    answer = { kind: 'refused', error: VedetteError.from(error).serialize() };
  }
  process.send!(answer, undefined, undefined, () => process.disconnect());
}
