import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { VedetteError } from '../../component/contract/errors.ts';
import { sha256Of } from '../../component/inference/package/package-files.ts';
import type { PackedArchive } from '../package/packed-archive.ts';
import { componentRelease } from '../publication/component-release.ts';
import type { ComponentRelease } from '../publication/component-release.ts';
import { checkRecipe } from './check-recipe.ts';
import { KIND_TAG, needsTags } from './needs-tags.ts';
import { fileNameOf } from './recipe-content.ts';
import type { Recipe } from './recipe-schema.ts';

/** Oldest C library that the runtime's programs start with; packaging refuses what asks for more. */
export const RUNTIME_GLIBC = '2.31';

/**
 * The runtime as `npm run package -- --component` lays it: `recipes/recipe.yaml` and
 * `artifacts/<component>/<version>/…`.
 * @throws VedetteError RECIPE_INVALID with every problem, ARTIFACT_STORE_UNAVAILABLE when a file is
 * missing, ARTIFACT_TOO_LARGE
 */
export async function runtimeRelease(folder: string): Promise<ComponentRelease> {
  const recipe = checkRecipe(await readLaidRecipe(folder));
  const { ComponentName: component, ComponentVersion: version } = recipe;
  const archives = new Map<string, PackedArchive>();
  for (const { Uri } of recipe.Manifests.flatMap(({ Artifacts }) => Artifacts)) {
    const fileName = fileNameOf(Uri);
    if (!archives.has(fileName)) {
      const file = join(folder, 'artifacts', component, version, fileName);
      archives.set(fileName, await archiveOf(file, fileName));
    }
  }
  return componentRelease({
    profile: 'vedette',
    component,
    version,
    artifacts: [...archives.values()].map((archive) => ({
      archive,
      key: ['components', component, version, archive.sha256, archive.fileName].join('/'),
    })),
    tags: {
      [KIND_TAG]: 'edge-runtime',
      ...needsTags({ artifactBytes: bytesByArchitecture(recipe, archives), glibc: RUNTIME_GLIBC }),
    },
    render: (uris) => ({
      ...recipe,
      Manifests: recipe.Manifests.map((manifest) => ({
        ...manifest,
        Artifacts: manifest.Artifacts.map((artifact) => ({
          ...artifact,
          Uri: uris.get(archives.get(fileNameOf(artifact.Uri))!.sha256)!,
        })),
      })),
    }),
  });
}

async function readLaidRecipe(folder: string): Promise<unknown> {
  const file = join(folder, 'recipes', 'recipe.yaml');
  try {
    return parse(await readFile(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? `there is no ${file}` : `${file}: ${message}`;
    throw new VedetteError(
      'RECIPE_INVALID',
      `${what}; \`npm run package -- --component\` makes greengrass-build`,
      { cause: error },
    );
  }
}

async function archiveOf(file: string, fileName: string): Promise<PackedArchive> {
  try {
    const { size } = await stat(file);
    return { file, fileName, byteLength: size, sha256: await sha256Of([file]), files: [] };
  } catch (error) {
    throw new VedetteError(
      'ARTIFACT_STORE_UNAVAILABLE',
      `${file} cannot be read: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function bytesByArchitecture(
  { Manifests }: Recipe,
  archives: ReadonlyMap<string, PackedArchive>,
): Record<string, number> {
  return Object.fromEntries(
    Manifests.map(({ Platform, Artifacts }) => [
      Platform.architecture ?? '*',
      Artifacts.reduce((sum, { Uri }) => sum + archives.get(fileNameOf(Uri))!.byteLength, 0),
    ]),
  );
}
