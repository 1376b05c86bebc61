import type { ModelVariant } from '../../contract/model-manifest.ts';
import { findExternalFiles } from './find-external-files.ts';
import { insideFile, sha256Of } from './package-files.ts';
import { packageInvalid } from './package-invalid.ts';
import { readOnnx } from './read-onnx.ts';

/**
 * What can be said of a variant that is for other machines: its files are there and whole.
 * @param root a real path
 * @throws VedetteError MODEL_PACKAGE_INVALID, MODEL_FILE_INVALID
 */
export async function checkForeignVariant(root: string, variant: ModelVariant): Promise<void> {
  const problems: string[] = [];
  const file = await insideFile(root, variant.file, 'variants', problems);
  if (file) {
    const { externalFiles } = await readOnnx(file);
    const weights = await findExternalFiles(root, variant.file, externalFiles, problems);
    const sum = await sha256Of([file, ...weights]);
    if (variant.sha256 !== undefined && variant.sha256 !== sum) {
      problems.push(`variants: sha256 of '${variant.file}' is ${sum}, expected ${variant.sha256}`);
    }
  }
  if (problems.length > 0) throw packageInvalid(root, problems);
}
