import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
const wanted = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
  Object.keys(manifest[kind] ?? {}),
);
const lines = [...read('docs/DEPENDENCIES.md').matchAll(/^- `([^`]+)`: (.+)$/gm)];

describe('docs/DEPENDENCIES.md', () => {
  it('has exactly one line for each dependency of package.json', () => {
    expect(lines.map((line) => line[1] ?? '').sort()).toEqual(wanted.sort());
  });

  it('gives each a reason', () => {
    for (const [, name, reason] of lines) expect(reason?.length, name).toBeGreaterThan(10);
  });
});

describe('package.json', () => {
  it('names exact versions', () => {
    const versions = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {}),
    );
    // An alias names the package that it stands for.
    const exact = /^(?:npm:[^@]+@)?\d+\.\d+\.\d+$/;
    for (const [name, version] of versions) expect(version, name).toMatch(exact);
  });
});
