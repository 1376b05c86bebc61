import { stat } from 'node:fs/promises';
import { isInsidePath } from '../../contract/model-manifest.ts';
import { insideFile } from './package-files.ts';
import type { ExternalFile } from './read-onnx-tensor.ts';

/**
 * Absolute paths of the files that hold a graph's weights, in the order given. They must lie in the
 * package, in the folder of the ONNX file or below it, and hold every byte that the graph reads of
 * them; what does not is pushed as a problem that names the file.
 * @param modelFile the ONNX file, relative to `root`
 */
export async function findExternalFiles(
  root: string,
  modelFile: string,
  files: readonly ExternalFile[],
  problems: string[],
): Promise<string[]> {
  const folder = modelFile.split('/').slice(0, -1);
  const found: string[] = [];
  for (const { name, byteLength } of files) {
    const field = `weights of ${modelFile}`;
    if (!isInsidePath(name)) {
      problems.push(`${field}: '${name}' leads out of the folder of the ONNX file`);
      continue;
    }
    const path = await insideFile(root, [...folder, name].join('/'), field, problems);
    if (!path) continue;
    const { size } = await stat(path);
    if (size < byteLength) {
      problems.push(
        `${field}: '${name}' has ${size} bytes, the graph reads up to byte ${byteLength} (cut short, or of another model)`,
      );
      continue;
    }
    found.push(path);
  }
  return found;
}
