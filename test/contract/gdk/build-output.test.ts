import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../../package.json' with { type: 'json' };
import { recipeProblems } from '../../../cloud-publisher/recipe/check-recipe.ts';
import { edgeRuntimeRecipe, layComponent } from '../../../scripts/package/component.ts';
import { PLATFORM_NAMES, root } from '../../../scripts/package/target.ts';

interface Manifest {
  readonly Platform: Record<string, string>;
  readonly Lifecycle: Record<string, Record<string, unknown>>;
  readonly Artifacts: { readonly Uri: string; readonly Permission: Record<string, string> }[];
}
interface Recipe {
  readonly ComponentName: string;
  readonly ComponentVersion: string;
  readonly ComponentConfiguration: { readonly DefaultConfiguration: object };
  readonly Manifests: readonly Manifest[];
}

/** GDK CLI 1.6.2: what it reads, and what `gdk component publish` finds after a custom build. */
describe('the build for GDK', () => {
  let folder = '';
  let recipe: Recipe;
  let text = '';
  const artifacts = ['vedette', 'vedette-media'].flatMap((kind) =>
    ['amd64', 'arm64'].map((arch) => `${kind}-linux-${arch}.zip`),
  );

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'vedette-gdk-'));
    const zips = artifacts.map((name) => path.join(folder, name));
    for (const zip of zips) await writeFile(zip, 'a zip');
    await layComponent(PLATFORM_NAMES, zips, path.join(folder, 'greengrass-build'));
    text = await readFile(path.join(folder, 'greengrass-build/recipes/recipe.yaml'), 'utf8');
    recipe = parse(text) as Recipe;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('is configured as its schema wants it: one component, a custom command, this version', async () => {
    const config = JSON.parse(await readFile(path.join(root, 'gdk-config.json'), 'utf8')) as {
      component: Record<string, { version: string; build: object; publish: object }>;
      gdk_version: string;
    };
    expect(Object.keys(config).sort()).toEqual(['component', 'gdk_version']);
    const [[name, component] = ['', undefined], ...others] = Object.entries(config.component);
    expect(others).toEqual([]);
    expect(name).toBe('io.vedette.EdgeRuntime');
    expect(component).toMatchObject({
      author: expect.stringMatching(/./) as string,
      version: packageJson.version,
      build: {
        build_system: 'custom',
        custom_build_command: ['npm', 'run', 'package', '--', '--component'],
      },
      publish: { bucket: expect.any(String) as string, region: expect.any(String) as string },
    });
    expect(config.gdk_version).toBe('1.6.2');
  });

  test('has exactly one recipe at the root: that of recipes/, to the byte', async () => {
    const names = (await readdir(root)).filter((name) => /^recipe\.(json|ya?ml)$/.test(name));
    expect(names).toEqual(['recipe.yaml']);
    const [atRoot, inFolder] = await Promise.all(
      ['recipe.yaml', 'recipes/edge-runtime.yaml'].map((name) => readFile(path.join(root, name))),
    );
    expect(atRoot).toEqual(inFolder);
  });

  test('lays the recipe under its name, and artifacts flat below name and version', async () => {
    const build = path.join(folder, 'greengrass-build');
    expect(await readdir(path.join(build, 'recipes'))).toEqual(['recipe.yaml']);
    const { ComponentName, ComponentVersion } = recipe;
    expect(await readdir(path.join(build, 'artifacts'))).toEqual([ComponentName]);
    expect(await readdir(path.join(build, 'artifacts', ComponentName))).toEqual([ComponentVersion]);
    const place = path.join(build, 'artifacts', ComponentName, ComponentVersion);
    expect((await readdir(place)).sort()).toEqual(artifacts.toSorted());
  });

  test('names each artifact by an s3 address whose last part lies there', () => {
    const uris = recipe.Manifests.flatMap(({ Artifacts }) => Artifacts.map(({ Uri }) => Uri));
    expect(uris.every((uri) => uri.startsWith('s3://'))).toBe(true);
    expect(uris.map((uri) => path.basename(uri)).sort()).toEqual(artifacts.toSorted());
  });

  test('gives a recipe that Greengrass takes, within 16,000 bytes', () => {
    expect(recipeProblems(recipe)).toEqual([]);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16_000);
  });

  test('writes keys as both nuclei read them, for both', () => {
    expect(recipe.Manifests.map(({ Platform }) => Platform)).toEqual(
      ['amd64', 'aarch64'].map((architecture) => ({ os: 'linux', architecture, runtime: '*' })),
    );
    for (const { Lifecycle, Artifacts } of recipe.Manifests) {
      expect(Object.keys(Lifecycle)).toEqual(['startup', 'shutdown']);
      for (const step of Object.values(Lifecycle)) {
        expect(Object.keys(step)).toEqual(['Timeout', 'Script']);
      }
      for (const { Permission } of Artifacts) {
        expect(Permission).toEqual({ Read: 'ALL', Execute: 'ALL' });
      }
    }
  });

  test('keeps configuration out of scripts, root out of the recipe and defaults to access alone', () => {
    expect(text).not.toMatch(/\{configuration:|RequiresPrivilege/);
    expect(Object.keys(recipe.ComponentConfiguration.DefaultConfiguration)).toEqual([
      'accessControl',
    ]);
  });

  test('is refused when Greengrass would refuse it', async () => {
    const wrong = { name: 'no blanks', author: 'a', version: '1.0', platforms: PLATFORM_NAMES };
    await expect(edgeRuntimeRecipe(wrong)).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });
});
