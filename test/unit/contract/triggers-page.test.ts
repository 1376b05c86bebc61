import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { expect, it } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/TRIGGERS.md'), 'utf8');
const examples = [...page.matchAll(/```yaml\n([^`]+)```/g)].map(([, text]) => text!);

it('the page on triggers has examples', () => {
  expect(examples).toHaveLength(4);
});

it.each(examples)('an example of the page on triggers is a configuration: %s', (text) => {
  const parsed = runtimeConfigSchema.safeParse(parse(text));
  expect(parsed.error?.issues).toBeUndefined();
});
