import { VedetteError } from '../../component/contract/errors.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import { checkRecipe } from '../recipe/check-recipe.ts';
import { MAX_ARTIFACT_BYTES } from '../recipe/recipe-schema.ts';
import type { Recipe } from '../recipe/recipe-schema.ts';
import { CONTENT_TAG, contentSha256 } from '../recipe/recipe-content.ts';

/** An archive with where it belongs in a bucket, below its prefix. */
export interface ReleaseArtifact {
  readonly archive: PackedArchive;
  readonly key: string;
}

/** Addresses of the artifacts, by their archive's sha256. */
export type ArtifactUris = ReadonlyMap<string, string>;

/** A component version that is to exist: everything but where its artifacts lie. */
export interface ComponentRelease {
  readonly profile: 'vedette' | 'dda';
  readonly component: string;
  readonly version: string;
  readonly artifacts: readonly ReleaseArtifact[];
  readonly tags: Readonly<Record<string, string>>;
  /** Checked. */
  readonly recipe: (uris: ArtifactUris) => Recipe;
  /** See recipe-content.ts. */
  readonly contentSha256: string;
}

/**
 * @throws VedetteError RECIPE_INVALID with every problem, ARTIFACT_TOO_LARGE: both before anything
 * is uploaded
 */
export function componentRelease(
  release: Omit<ComponentRelease, 'contentSha256' | 'recipe'> & {
    readonly render: (uris: ArtifactUris) => unknown;
  },
): ComponentRelease {
  const { render, ...rest } = release;
  const bytes = rest.artifacts.reduce((sum, { archive }) => sum + archive.byteLength, 0);
  if (bytes > MAX_ARTIFACT_BYTES) {
    throw new VedetteError(
      'ARTIFACT_TOO_LARGE',
      `the artifacts of ${rest.component} ${rest.version} have ${bytes} bytes, Greengrass takes ${MAX_ARTIFACT_BYTES}`,
    );
  }
  const recipe = (uris: ArtifactUris): Recipe => checkRecipe(render(uris));
  const nowhere = new Map(
    rest.artifacts.map(({ archive }) => [
      archive.sha256,
      `s3://${archive.sha256}/${archive.fileName}`,
    ]),
  );
  const content = contentSha256(recipe(nowhere), (uri) => uri.split('/')[2]!);
  return {
    ...rest,
    recipe,
    contentSha256: content,
    tags: { ...rest.tags, [CONTENT_TAG]: content },
  };
}
