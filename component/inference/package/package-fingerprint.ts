import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { sha256Of } from './package-files.ts';
import type { ModelPackage } from './read-package.ts';

/**
 * sha256 over everything that decides how a model answers and what it is tried with: weights, the
 * manifest with its defaults, labels, enrolled vectors and the content of the golden pictures. The probe's verdict
 * holds for this and nothing else.
 */
export async function packageFingerprint(model: ModelPackage): Promise<string> {
  const { folder, manifest, variant, sha256, labels, spec, inputName, isBatched, sizeInput } =
    model;
  const enrolled = model.enrolledFile && (await sha256Of([model.enrolledFile]));
  const golden: string[] = [];
  for (const { image } of manifest.golden) golden.push(await sha256Of([join(folder, image)]));
  const content = {
    sha256,
    variant,
    manifest,
    labels,
    spec,
    inputName,
    isBatched,
    sizeInput,
    golden,
    enrolled,
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
