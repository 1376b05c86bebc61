import { createHash } from 'node:crypto';
import type { Recipe } from './recipe-schema.ts';

/** The tag by which a version is known again as the same content. */
export const CONTENT_TAG = 'vedette:content-sha256';

/**
 * sha256 of a recipe with the artifacts' digests in place of their addresses: the same content has it
 * wherever it is published.
 * @param sha256Of of the artifact with this address
 */
export function contentSha256(recipe: Recipe, sha256Of: (uri: string) => string): string {
  const content = {
    ...recipe,
    Manifests: recipe.Manifests.map((manifest) => ({
      ...manifest,
      Artifacts: manifest.Artifacts.map((artifact) => ({
        ...artifact,
        Uri: `${sha256Of(artifact.Uri)}/${fileNameOf(artifact.Uri)}`,
      })),
    })),
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

export const fileNameOf = (uri: string): string => uri.split('/').at(-1) ?? '';
