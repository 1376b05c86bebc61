import { readFile } from 'node:fs/promises';

/** Version of the installed ONNX Runtime, without loading it into this thread. */
export async function runtimeVersion(): Promise<string> {
  const file = new URL(import.meta.resolve('onnxruntime-node/package.json'));
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string };
  return version;
}
