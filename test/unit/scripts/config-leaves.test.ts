import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { groupsOf } from '../../../scripts/docs/config-leaves.ts';
import { defaultOf, rangeOf, typeOf, unitOf } from '../../../scripts/docs/describe-schema.ts';
import { configJsonSchema, manifestJsonSchema } from '../../../scripts/docs/json-schemas.ts';

const groups = groupsOf(configJsonSchema(), 'General');
const leaves = groups.flatMap((group) => group.leaves);
const leaf = (path: string) => leaves.find((found) => found.path === path);

describe('the configuration as a table', () => {
  it('describes every value', () => {
    const silent = leaves.filter(({ schema }) => (schema.description ?? '') === '');
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it('keeps the default of values that may also be text', () => {
    expect(leaf('server.port')?.schema.default).toBe(8080);
    expect(defaultOf(leaf('server.port')?.schema ?? {}, false)).toBe('`8080`');
  });

  it('marks what must be given and what needs a restart', () => {
    expect(leaf('models.<name>.package')?.isRequired).toBe(true);
    expect(leaf('cameras.<name>.policy')?.isRequired).toBe(false);
    expect(leaf('server.port')?.restart).toBe('server');
    expect(leaf('log.level')?.restart).toBeUndefined();
    expect(
      leaf('cameras.<name>.source.path')?.restart ?? leaf('cameras.<name>.source.kind')?.restart,
    ).toBe('camera');
  });

  it('gives each kind of camera and rule a section of its own', () => {
    const titles = groups.map((group) => group.title);
    expect(titles).toContain('`cameras.<name>.source` of kind `folder`');
    expect(titles).toContain('`rules.<name>` of kind `count`');
    const count = groups.find((group) => group.title === '`rules.<name>` of kind `count`');
    expect(count?.leaves.map(({ path }) => path)).toContain('rules.<name>.maximum');
    expect(count?.leaves.map(({ path }) => path)).not.toContain('rules.<name>.camera');
  });
});

describe('the words of a value', () => {
  it('name type, range and unit', () => {
    expect(typeOf({ type: 'string', enum: ['tcp', 'udp'] })).toBe('`tcp`, `udp`');
    expect(typeOf({ type: 'array', items: { type: 'integer' } })).toBe('list of integer');
    expect(rangeOf({ type: 'integer', minimum: 0, maximum: 65_535 })).toBe('0 to 65,535');
    expect(rangeOf({ type: 'string', maxLength: 100 })).toBe('at most 100 characters');
    expect(unitOf('models.<name>.timeoutMs', '')).toBe('ms');
    expect(unitOf('cameras.<name>.region', 'Part of the picture, in its pixels')).toBe('pixels');
    expect(unitOf('log.level', 'Least severe level')).toBe('');
  });
});

describe('the JSON Schemas', () => {
  it('are draft 2020-12 and refuse unknown keys', () => {
    for (const schema of [configJsonSchema(), manifestJsonSchema()]) {
      expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
      expect(schema.additionalProperties).toBe(false);
    }
  });

  it('accept a configuration and refuse a misspelt key', () => {
    const schema = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
    const source = { kind: 'folder', path: '/pictures' };
    const model = 'coco-detector';
    expect(schema.safeParse({ cameras: { dock: { source, model } } }).success).toBe(true);
    expect(schema.safeParse({ cameras: { dock: { source, modle: model } } }).success).toBe(false);
    const misspelt = { kind: 'folder', paht: '/pictures' };
    expect(schema.safeParse({ cameras: { dock: { source: misspelt, model } } }).success).toBe(
      false,
    );
  });

  it('require only what has no default', () => {
    expect(configJsonSchema().required).toBeUndefined();
    expect(manifestJsonSchema().required).toEqual([
      'name',
      'version',
      'task',
      'variants',
      'output',
    ]);
  });
});
