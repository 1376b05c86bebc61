import { fileURLToPath } from 'node:url';
import { VedetteError } from '../../contract/errors.ts';
import { RuntimeLibrary } from '../../inference/execution/runtime-library.ts';
import { runtimeVersion } from '../../inference/runtime-version.ts';
import { CheckResults, type Check } from './check.ts';

const results = new CheckResults('ONNX Runtime');

/** Whether the library of models loads, in a process of its own. */
export const checkOnnxRuntime: Check = async ({ config }) => {
  const folder = config.onnxRuntimeLibrary ?? shippedFolder();
  try {
    const file = await new RuntimeLibrary(folder).file();
    const version = await runtimeVersion();
    return [results.ok(`ONNX Runtime ${version} loads (${file})`, { version, file })];
  } catch (thrown) {
    const { message, remedy, code } = VedetteError.from(thrown, 'RUNTIME_LIBRARY_INVALID');
    return [results.fault(message, remedy, { code })];
  }
};

function shippedFolder(): string {
  const place = `./bin/napi-v6/linux/${process.arch}`;
  return fileURLToPath(new URL(place, import.meta.resolve('onnxruntime-node/package.json')));
}
