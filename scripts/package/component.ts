import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { checkRecipe } from '../../cloud-publisher/recipe/check-recipe.ts';
import { fillTemplate, readTemplate } from '../../cloud-publisher/recipe/fill-template.ts';
import { root, targetOf } from './target.ts';

/** What GDK 1.6.2 reads in gdk-config.json, as far as a custom build needs to know it. */
const gdkConfigSchema = z.looseObject({
  component: z.record(z.string(), z.looseObject({ author: z.string(), version: z.string() })),
});

/** Where a recipe's architecture is called as nuclei call it. */
const ARCHITECTURES = { amd64: 'amd64', arm64: 'aarch64' } as const;

/** Names of what is zipped for a platform; the nucleus unpacks each into a folder of this name. */
export const artifactName = (kind: 'runtime' | 'media', debianArch: string): string =>
  `${kind === 'runtime' ? 'vedette' : 'vedette-media'}-linux-${debianArch}`;

/** What is laid: the component of gdk-config.json, or the runtime in the place of DDA's LocalServer. */
export interface ComponentIdentity {
  readonly name: string;
  readonly author: string;
  readonly version: string;
  /** In the place of DDA's LocalServer, under its name. */
  readonly isLocalServer?: boolean;
}

/** The component that gdk-config.json names. */
export async function gdkComponent(): Promise<ComponentIdentity> {
  const text = await readFile(path.join(root, 'gdk-config.json'), 'utf8');
  const [[name, { author, version }] = missing()] = Object.entries(
    gdkConfigSchema.parse(JSON.parse(text)).component,
  );
  return { name, author, version };
}

/**
 * Lays recipe and artifacts where `gdk component publish` takes them from: GDK makes and empties the
 * folder, runs the build, and does nothing else for a custom one.
 * @param zips of both kinds for each platform, as `npm run package` made them
 */
export async function layComponent(
  platforms: readonly string[],
  zips: readonly string[],
  folder: string,
  component?: ComponentIdentity,
): Promise<void> {
  const laid = component ?? (await gdkComponent());
  const recipes = path.join(folder, 'recipes');
  const artifacts = path.join(folder, 'artifacts', laid.name, laid.version);
  await rm(artifacts, { recursive: true, force: true });
  for (const one of [recipes, artifacts]) await mkdir(one, { recursive: true });
  for (const zip of zips) await cp(zip, path.join(artifacts, path.basename(zip)));
  const recipe = await edgeRuntimeRecipe({ ...laid, platforms });
  await writeFile(path.join(recipes, 'recipe.yaml'), stringify(recipe, { lineWidth: 0 }));
}

const manifestSchema = z.looseObject({
  Platform: z.record(z.string(), z.string()),
  Lifecycle: z.looseObject({}),
});

/** @throws VedetteError RECIPE_INVALID when Greengrass would refuse it */
export async function edgeRuntimeRecipe(
  component: ComponentIdentity & { readonly platforms: readonly string[] },
): Promise<object> {
  const { name: componentName, author: publisher, version: componentVersion } = component;
  const { Manifests, ...rest } = await recipeTemplate(component.isLocalServer === true);
  const common = { componentName, componentVersion, publisher };
  const uri = (file: string) => `s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/${file}.zip`;
  const manifests = component.platforms.map((platform) => {
    const { debianArch } = targetOf(platform);
    const artifact = artifactName('runtime', debianArch);
    return fillTemplate(Manifests[0], {
      ...common,
      architecture: ARCHITECTURES[debianArch],
      artifact,
      uri: uri(artifact),
      mediaUri: uri(artifactName('media', debianArch)),
    });
  });
  const filled = fillTemplate(rest, common) as object;
  return checkRecipe({ ...filled, Manifests: manifests });
}

async function recipeTemplate(isLocalServer: boolean) {
  const template = z
    .looseObject({ Manifests: z.tuple([manifestSchema]) })
    .parse(await readTemplate('edge-runtime'));
  if (!isLocalServer) return template;
  const { ComponentDescription, install } = z
    .strictObject({ ComponentDescription: z.string(), install: z.looseObject({}) })
    .parse(await readTemplate('local-server'));
  const [{ Platform, Lifecycle, ...manifest }] = template.Manifests;
  // A platform without a runtime is classic's alone.
  const { runtime: _, ...platform } = Platform;
  const own = { ...manifest, Platform: platform, Lifecycle: { install, ...Lifecycle } };
  return { ...template, ComponentDescription, Manifests: [own] as const };
}

function missing(): never {
  throw new Error('gdk-config.json names no component');
}
