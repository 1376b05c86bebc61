import { describe, expect, it } from 'vitest';
import { checkRecipe, recipeProblems } from '../../../cloud-publisher/recipe/check-recipe.ts';
import { fillTemplate } from '../../../cloud-publisher/recipe/fill-template.ts';
import {
  compareVersions,
  nextMajor,
  nextPatch,
} from '../../../cloud-publisher/greengrass/compare-versions.ts';

const recipe = (more: object = {}, manifest: object = {}) => ({
  RecipeFormatVersion: '2020-01-25',
  ComponentName: 'io.vedette.model.x',
  ComponentVersion: '1.0.0',
  ComponentType: 'aws.greengrass.generic',
  Manifests: [
    {
      Platform: { os: 'linux' },
      Lifecycle: { run: 'true' },
      Artifacts: [{ Uri: 's3://b/k/a.zip' }],
      ...manifest,
    },
  ],
  ...more,
});

describe('a recipe', () => {
  it('that is right passes as it is', () => {
    expect(checkRecipe(recipe())).toEqual(recipe());
  });

  it.each([
    ['a name with other characters', { ComponentName: 'a/b' }, /ComponentName/],
    ['a name that is too long', { ComponentName: 'a'.repeat(129) }, /at most 128/],
    ['a version with a number that is too large', { ComponentVersion: '1.0.1000000' }, /999999/],
    ['a version with build metadata', { ComponentVersion: '1.0.0+5' }, /build metadata/],
    ['an unknown key', { Componentname: 'x' }, /Componentname/],
    ['no manifest', { Manifests: [] }, /Manifests/],
    [
      'a range that is none',
      { ComponentDependencies: { a: { VersionRequirement: 'newest' } } },
      /range/,
    ],
    [
      'a dependency on itself',
      { ComponentDependencies: { 'io.vedette.model.x': { VersionRequirement: '^1.0.0' } } },
      /itself/,
    ],
    [
      'a place that was not filled in',
      { ComponentDescription: '<<description>>' },
      /<<description>>/,
    ],
  ])('with %s is refused', (_what, more, message) => {
    expect(recipeProblems(recipe(more)).join('\n')).toMatch(message);
  });

  it.each([
    ['run and startup', { Lifecycle: { run: 'a', Startup: { Script: 'b' } } }, /only one/],
    ['an unknown step', { Lifecycle: { start: 'a' } }, /'start' is no step/],
    ['a step without a script', { Lifecycle: { run: { Timeout: 3 } } }, /expected a script/],
    ['an artifact that is no address', { Artifacts: [{ Uri: 'file:a.zip' }] }, /s3:/],
    [
      'two artifacts of one name',
      { Artifacts: [{ Uri: 's3://b/k/a' }, { Uri: 's3://b/l/a' }] },
      /two are called a/,
    ],
  ])('with %s in a manifest is refused', (_what, manifest, message) => {
    expect(recipeProblems(recipe({}, manifest)).join('\n')).toMatch(message);
  });

  it('is counted as AWS does: at most 16,000 bytes as JSON in UTF-8', () => {
    const empty = recipe({ ComponentConfiguration: { DefaultConfiguration: { text: '' } } });
    const room = 16_000 - Buffer.byteLength(JSON.stringify(empty));
    const of = (text: string) =>
      recipe({ ComponentConfiguration: { DefaultConfiguration: { text } } });
    expect(recipeProblems(of('x'.repeat(room)))).toEqual([]);
    expect(recipeProblems(of('x'.repeat(room + 1)))[0]).toContain('16001 bytes');
    expect(recipeProblems(of('é'.repeat(room - 10)))[0]).toContain('bytes as JSON');
  });

  it('with several problems lists them all at once', () => {
    const faulty = recipe({ ComponentName: '', ComponentVersion: 'one', Manifests: [] });
    expect(() => checkRecipe(faulty)).toThrowError(
      expect.objectContaining({
        code: 'RECIPE_INVALID',
        details: { problems: expect.toSatisfy((list: string[]) => list.length >= 3) },
      }),
    );
  });

  it('is filled in after its YAML was read: a value cannot become a key or another type', () => {
    const filled = fillTemplate(
      { a: '<<x>>', b: ['n: <<n>>', '<<n>>'], '<<x>>': { c: true } },
      { x: 'y: {z: 1}', n: 3 },
    );
    expect(filled).toEqual({ a: 'y: {z: 1}', b: ['n: 3', 3], 'y: {z: 1}': { c: true } });
    expect(() => fillTemplate('<<gone>>', {})).toThrow('<<gone>>');
  });
});

describe('versions', () => {
  it('are ordered as semver.org lists them', () => {
    const order = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ];
    expect(order.toReversed().sort(compareVersions)).toEqual(order);
  });

  it('have a next free one', () => {
    expect(nextPatch(['1.0.0', '1.10.3', '1.9.9'])).toBe('1.10.4');
    expect(nextMajor(['1.0.0', '12.0.0', '3.5.1'])).toBe('13.0.0');
    expect(nextMajor([])).toBe('1.0.0');
  });
});
