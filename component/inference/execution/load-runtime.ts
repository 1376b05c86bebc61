import './no-telemetry.ts';
import type { OnnxRuntime } from './open-graph.ts';
import { useRuntimeLibrary } from './use-runtime-library.ts';

/**
 * ONNX Runtime for this thread.
 * @param library as for `useRuntimeLibrary`
 * @throws VedetteError RUNTIME_LIBRARY_INVALID
 */
export async function loadRuntime(library: string | undefined): Promise<OnnxRuntime> {
  // onnxruntime-node 1.30 looks for Float16Array and then refuses every float16 tensor.
  delete (globalThis as { Float16Array?: unknown }).Float16Array;
  await useRuntimeLibrary(library);
  return import('onnxruntime-node');
}
