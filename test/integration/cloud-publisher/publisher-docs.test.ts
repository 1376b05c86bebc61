import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inParallel } from '../../../component/object-store/in-parallel.ts';
import { runPublisher } from '../../support/run-publisher.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/PUBLISHER.md'), 'utf8');

/** Options of the page's tables, as «flags: meaning». */
const documented = [...page.matchAll(/^\| `(-[^`]+)`\s*\| (.*?)\s*\|$/gm)].map(
  ([, flags, meaning]) => `${flags}: ${meaning}`,
);

/** Options of a command's help, each in one line whatever the width it was wrapped to. */
async function optionsOf(...command: string[]): Promise<string[]> {
  const { stdout } = await runPublisher([...command, '--help'], { COLUMNS: '10000' });
  const [, options = ''] = stdout.split('Options:\n');
  return options
    .replaceAll(/\n {10,}/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, flags, meaning] = /^ {2}(-.+?) {2,}(.+)$/.exec(line) ?? [];
      const isHelp = flags === '-h, --help';
      return flags === undefined || isHelp
        ? []
        : [`${flags}: ${meaning!.replace(/ \(default: .*\)$/, '')}`];
    });
}

describe('docs/PUBLISHER.md', { timeout: 180_000 }, () => {
  it('has every option of the commands as their help has it, and no other', async () => {
    const commands = [
      ['model', 'package'],
      ['publish', 'model'],
      ['component', 'list'],
      ['component', 'versions'],
      ['component', 'show'],
      ...['create', 'list', 'show', 'validate', 'diff', 'check-upgrade', 'export', 'import'].map(
        (verb) => ['bundle', verb],
      ),
      ...['plan', 'apply', 'status', 'watch', 'hold', 'resume', 'rollback'].map((verb) => [
        'deploy',
        verb,
      ]),
      ...['list', 'show', 'diff'].map((verb) => ['fleet', verb]),
    ];
    const offered = new Set<string>();
    await inParallel(commands.length, 3, async (index) => {
      const options = await optionsOf(...commands[index]!);
      expect(options.length, commands[index]!.join(' ')).toBeGreaterThan(1);
      for (const option of options) offered.add(option);
    });
    expect([...new Set(documented)].sort()).toEqual([...offered].sort());
  });

  it('names files that exist', () => {
    for (const [, path] of page.matchAll(/\]\((?!http)([^)#]+)\)/g)) {
      expect(
        () => readFileSync(join(import.meta.dirname, '../../../docs', path!)),
        path,
      ).not.toThrow();
    }
  });
});

describe('the command line', { timeout: 60_000 }, () => {
  it("offers the device's groups and the publisher's", async () => {
    const { stdout } = await runPublisher(['--help']);
    for (const group of [
      'run',
      'config',
      'model',
      'publish',
      'component',
      'deploy',
      'fleet',
      'bundle',
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${group}\\b`, 'm'));
    }
    const model = await runPublisher(['model', '--help']);
    for (const verb of ['inspect', 'install', 'list', 'remove', 'package']) {
      expect(model.stdout).toMatch(new RegExp(`^ {2}${verb}\\b`, 'm'));
    }
  });
});
