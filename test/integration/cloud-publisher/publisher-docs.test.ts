import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createPublisherProgram } from '../../../cloud-publisher/publisher-program.ts';
import { runPublisher } from '../../support/run-publisher.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/PUBLISHER.md'), 'utf8');

/** Options of the page's tables, as «flags: meaning». */
const documented = [...page.matchAll(/^\| `(-[^`]+)`\s*\| (.*?)\s*\|$/gm)].map(
  ([, flags, meaning]) => `${flags}: ${meaning}`,
);

const { program } = createPublisherProgram(process, {
  stateFolder: '',
  interruption: () => new AbortController().signal,
});

function verbsBelow(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(verbsBelow);
}

function commandAt(...names: string[]): Command {
  return names.reduce((command, name) => {
    const found = command.commands.find((one) => one.name() === name);
    if (!found) throw new Error(`there is no command ${names.join(' ')}`);
    return found;
  }, program);
}

/** Every verb of the publisher; those of the device have a page of their own. */
const verbs = [
  ...['init', 'publish', 'component', 'bundle', 'deploy', 'fleet'].flatMap((name) =>
    verbsBelow(commandAt(name)),
  ),
  commandAt('model', 'package'),
  commandAt('doctor', 'aws'),
];

describe('docs/PUBLISHER.md', { timeout: 60_000 }, () => {
  it('has every option of the commands as their help has it, and no other', async () => {
    const offered = new Set<string>();
    for (const verb of verbs) {
      for (const { flags, description } of verb.options) offered.add(`${flags}: ${description}`);
    }
    expect(offered.size).toBeGreaterThan(30);
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
  it("offers the device's groups and the publisher's, and each verb is named on a page", async () => {
    const { stdout } = await runPublisher(['--help']);
    for (const { name } of program.commands.map((command) => ({ name: command.name() }))) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
    }
    for (const verb of verbs) {
      expect(page, verb.name()).toMatch(new RegExp(`\\b${verb.name()}\\b`));
    }
  });
});
