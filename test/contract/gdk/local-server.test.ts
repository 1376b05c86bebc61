import { execFileSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { describe, expect, test } from 'vitest';
import { recipeProblems } from '../../../cloud-publisher/recipe/check-recipe.ts';
import { edgeRuntimeRecipe } from '../../../scripts/package/component.ts';
import { localServerOf } from '../../../scripts/package/local-server.ts';
import { root } from '../../../scripts/package/target.ts';

const NAME = 'aws.edgeml.dda.LocalServer.amd64';
interface Manifest {
  readonly Platform: Record<string, string>;
  readonly Lifecycle: Record<
    string,
    { readonly Script: string; readonly RequiresPrivilege?: boolean }
  >;
}
interface Recipe {
  readonly ComponentName: string;
  readonly ComponentDescription: string;
  readonly Manifests: readonly Manifest[];
}

describe('the recipe in the place of DDA’s LocalServer', async () => {
  const component = localServerOf(`${NAME}@1.1000.0`, ['linux/amd64'])!;
  const recipe = (await edgeRuntimeRecipe({ ...component, platforms: ['linux/amd64'] })) as Recipe;
  const [manifest] = recipe.Manifests as [Manifest];

  test('is one that Greengrass takes, within 16,000 bytes', () => {
    expect(recipeProblems(recipe)).toEqual([]);
    expect(recipe.ComponentName).toBe(NAME);
    expect(Buffer.byteLength(stringify(recipe))).toBeLessThanOrEqual(16_000);
  });

  test('is for classic alone, and says what it asks of the device', () => {
    expect(manifest.Platform).toEqual({ os: 'linux', architecture: 'amd64' });
    expect(recipe.ComponentDescription).toMatch(/Classic nucleus only.*as root.*python3/);
  });

  test('has root place the programs and nothing else: the runtime runs as any component does', () => {
    const privileged = Object.entries(manifest.Lifecycle).flatMap(
      ([step, { RequiresPrivilege }]) => (RequiresPrivilege === true ? [step] : []),
    );
    expect(privileged).toEqual(['install']);
    expect(manifest.Lifecycle['install']?.Script).toContain(`work/${NAME}/spool`);
  });

  test('differs from that of the edge runtime in nothing else', async () => {
    const plain = (await edgeRuntimeRecipe({
      ...component,
      isLocalServer: false,
      platforms: ['linux/amd64'],
    })) as Recipe;
    const { install: _, ...steps } = manifest.Lifecycle;
    const back = {
      ...recipe,
      ComponentDescription: plain.ComponentDescription,
      Manifests: [{ ...manifest, Lifecycle: steps, Platform: plain.Manifests[0]?.Platform }],
    };
    expect(back).toEqual(plain);
  });
});

describe('--local-server', () => {
  test.each([
    ['LocalServer', 'expected name@version'],
    [`${NAME}@2.0.0`, 'would never be taken'],
    ['aws.edgeml.dda.LocalServer.arm64JP6@1.0.0', 'is for linux/arm64, not for linux/amd64'],
  ])('refuses %s', (text, reason) => {
    expect(() => localServerOf(text, ['linux/amd64'])).toThrow(reason);
  });
});

describe('the programs for DDA’s model components', () => {
  test('import nothing but Python’s standard library, and are Python 3', async () => {
    const folder = path.join(root, 'recipes/dda');
    const standard = new Set(
      execFileSync('python3', ['-c', 'import sys; print(" ".join(sys.stdlib_module_names))'], {
        encoding: 'utf8',
      })
        .trim()
        .split(' '),
    );
    for (const name of await readdir(folder)) {
      const text = await readFile(path.join(folder, name), 'utf8');
      const imported = [...text.matchAll(/^(?:import|from) (\w+)/gm)].map(([, module]) => module);
      expect(
        imported.filter((module) => !standard.has(module ?? '')),
        name,
      ).toEqual([]);
      // Of 3.6, which DDA's devices have at least: neither f-strings' `=` nor `:=`.
      expect(text, name).not.toMatch(/:=|match .*:$/m);
    }
  });
});
