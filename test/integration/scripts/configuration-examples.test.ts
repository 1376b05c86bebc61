import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfiguration, merge } from '../../../component/configuration/load-configuration.ts';
import { parse, stringify } from 'yaml';

const docs = join(import.meta.dirname, '../../../docs');
const models = ['parts', 'large-parts', 'bottle-detector', 'cap-classifier', 'large-classifier'];
/** What the examples leave out: the models, and a camera. */
const BASE = {
  models: Object.fromEntries(models.map((name) => [name, { package: name }])),
  cameras: { dock: { model: 'parts', source: { kind: 'push' } } },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-examples-'));
});
afterAll(() => rm(folder, { recursive: true }));

const examples: (readonly [name: string, block: string])[] = [];
const PAGES = [
  '../README.md',
  'RULES.md',
  'INSPECTION.md',
  'CHAINS.md',
  'DELIVERY.md',
  'DEVICES.md',
];
for (const page of [...PAGES, 'MIGRATE-FROM-DDA.md']) {
  const text = await readFile(join(docs, page), 'utf8');
  // Blocks inside a list are indented, every line alike.
  const blocks = text.matchAll(/^ *```yaml\n([\s\S]*?)^ *```/gm);
  for (const [index, [, block]] of [...blocks].entries()) {
    examples.push([`${page}, block ${index + 1}`, block!] as const);
  }
}

it('the pages have examples of configurations', () => {
  expect(examples.length).toBeGreaterThan(11);
});

it.each(examples)('an example can be copied as it is: %s', async (_, block) => {
  const file = join(folder, 'line.yaml');
  const tree = parse(block) as Record<string, unknown>;
  await writeFile(file, stringify(merge({ ...BASE, dataFolder: folder }, tree)));
  const { config } = await loadConfiguration({ file });
  expect(config.cameras['dock']).toBeDefined();
});

it('the examples of RULES.md go together', async () => {
  const blocks = examples.filter(([name]) => name.startsWith('RULES.md'));
  const tree = blocks.reduce<Record<string, unknown>>(
    (all, [, block]) => merge(all, parse(block) as Record<string, unknown>),
    { ...BASE, dataFolder: folder },
  );
  const file = join(folder, 'together.yaml');
  await writeFile(file, stringify(tree));
  const { config } = await loadConfiguration({ file });
  expect(Object.keys(config.rules).length).toBeGreaterThan(blocks.length);
});
