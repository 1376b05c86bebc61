import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  acknowledgementSchema,
  manifestSchema,
  messageSchema,
} from '../../../component/contract/delivery.ts';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { S3_ACTIONS } from '../../../component/object-store/s3-objects.ts';
import { parse } from 'yaml';

const page = readFileSync(path.join(import.meta.dirname, '../../../docs/DELIVERY.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text!);

test('every example of docs/DELIVERY.md is what the schemas say', () => {
  const examples = blocks('json').map((text) => JSON.parse(text) as Record<string, unknown>);
  const kinds = examples.flatMap(({ kind }) => (typeof kind === 'string' ? [kind] : []));
  expect(kinds).toEqual(['result', 'summary', 'part']);
  for (const example of examples) {
    if ('kind' in example) messageSchema.parse(example);
    else if ('batches' in example) manifestSchema.parse(example);
    else if (!('Statement' in example)) acknowledgementSchema.strict().parse(example);
  }
  const [configuration = ''] = blocks('yaml');
  expect(runtimeConfigSchema.parse(parse(configuration)).delivery.store?.kind).toBe('s3');
});

test('the policy of docs/DELIVERY.md allows every action that uploads make, and no other', () => {
  const policy = blocks('json')
    .map((text) => JSON.parse(text) as { Statement?: { Action: string | string[] }[] })
    .find(({ Statement }) => Statement !== undefined);
  const actions = policy!.Statement!.flatMap(({ Action }) => Action);
  expect(actions.sort()).toEqual([...S3_ACTIONS].sort());
});
