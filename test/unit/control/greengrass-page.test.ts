import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { COMMANDS, commandAnswerSchema } from '../../../component/contract/device-command.ts';
import { desiredSchema } from '../../../component/contract/device-desired.ts';
import { deviceHealthSchema, MAX_HEALTH_BYTES } from '../../../component/contract/device-health.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../../docs/GREENGRASS.md'), 'utf8');
const examples = [...page.matchAll(/<!-- (.+) -->\s+```json\n([\s\S]*?)```/g)].map(
  ([, kind = '', text = '']) => ({ kind, document: JSON.parse(text) as object }),
);

const schemaOf = (kind: string) => {
  if (kind === 'health') return deviceHealthSchema;
  if (kind === 'desired') return desiredSchema;
  if (kind === 'answer') return commandAnswerSchema;
  if (kind === 'configuration') return runtimeConfigSchema;
  return COMMANDS[kind.replace('command ', '') as keyof typeof COMMANDS];
};

describe('docs/GREENGRASS.md', () => {
  test.each(examples)('has an example of $kind that is one', ({ kind, document }) => {
    expect(schemaOf(kind).parse(document)).toMatchObject(document);
  });

  test('has an example of each document', () => {
    const kinds = new Set(examples.map(({ kind }) => kind));
    expect([...kinds]).toEqual([
      'health',
      'desired',
      'command snapshot',
      'answer',
      'configuration',
    ]);
    expect(JSON.stringify(examples[0]?.document).length).toBeLessThan(MAX_HEALTH_BYTES);
  });

  test('names every command and no other', () => {
    const table = page.slice(page.indexOf('| `{name}`'), page.indexOf('<!-- command snapshot -->'));
    const named = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    expect(named).toEqual(Object.keys(COMMANDS));
  });
});
