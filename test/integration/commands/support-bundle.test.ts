import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SupportBundle } from '../../../component/commands/support/bundle.ts';
import { readTail } from '../../../component/commands/support/read-tail.ts';
import { Redactor } from '../../../component/commands/support/redactor.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-bundle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a support bundle', () => {
  test('is bounded: the newest of what is too long is kept, and what was cut is said', async () => {
    const bundle = new SupportBundle(new Redactor([]), 1000);
    bundle.add('first.log', 'a'.repeat(900));
    bundle.add('second.log', `${'old '.repeat(100)}newest`);
    bundle.add('third.log', 'nothing is left for it');
    const file = path.join(folder, 'bounded.tar.gz');
    await bundle.write(file);
    execFileSync('tar', ['-xzf', file, '-C', folder]);
    const read = (name: string) => readFile(path.join(folder, 'bounded', name), 'utf8');
    expect(await read('first.log')).toHaveLength(900);
    expect(await read('second.log')).toMatch(/^.{94}newest$/);
    expect(await read('third.log')).toBe('');
    const { files } = JSON.parse(await read('contents.json')) as { files: object[] };
    expect(files).toEqual([
      { name: 'first.log', bytes: 900 },
      { name: 'second.log', bytes: 100, cutBytes: 306 },
      { name: 'third.log', bytes: 0, cutBytes: 22 },
    ]);
  });

  test('may be read by its owner alone, also while it is written over a file that anybody may', async () => {
    const file = path.join(folder, 'closed.tar.gz');
    await writeFile(file, 'of before', { mode: 0o666 });
    const bundle = new SupportBundle(new Redactor([]));
    bundle.add('a', 'a');
    await bundle.write(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('takes the end of a log from the beginning of a line', async () => {
    const file = path.join(folder, 'long.log');
    await writeFile(file, 'first line\nsecond line\nthird line\n');
    expect(await readTail(file, 15)).toEqual({ text: 'third line\n', cutBytes: 19 });
    expect(await readTail(file, 1000)).toMatchObject({ cutBytes: 0 });
  });
});
