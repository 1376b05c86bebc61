import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createPublisherProgram } from '../../../cloud-publisher/publisher-program.ts';
import { fullName, verbsBelow } from '../../../scripts/docs/commands-page.ts';
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

function commandAt(...names: string[]): Command {
  return names.reduce((command, name) => {
    const found = command.commands.find((one) => one.name() === name);
    if (!found) throw new Error(`there is no command ${names.join(' ')}`);
    return found;
  }, program);
}

/** Every verb of the publisher; those of the device have a page of their own. */
const verbs = [
  ...['init', 'publish', 'component', 'bundle', 'deploy', 'fleet', 'serve'].flatMap((name) =>
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

describe('docs/COMMANDS.md', () => {
  const commands = readFileSync(join(import.meta.dirname, '../../../docs/COMMANDS.md'), 'utf8');
  const sections = new Map(
    commands
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section]),
  );

  it('has a heading for each verb, and for nothing else', () => {
    expect(sections.size).toBeGreaterThan(40);
    expect([...sections.keys()].sort()).toEqual(verbsBelow(program).map(fullName).sort());
  });

  it('has a command that does something by itself and has others below it', () => {
    expect(sections.get('vedette doctor')).toContain('`-c, --config <file>`');
    expect(sections.has('vedette doctor aws')).toBe(true);
    expect(sections.has('vedette model')).toBe(false);
  });

  it('has under each heading the options and arguments that its help has, and no other', () => {
    for (const verb of verbsBelow(program)) {
      const section = sections.get(fullName(verb))!;
      const written = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, term]) => term!);
      // As people see it, so that an option which help hides is missing here too.
      const help = verb.helpInformation({ error: false });
      const offered = [...help.matchAll(/^ {2}(-[^ ].*?|[a-z][\w@-]*)(?: {2,}|$)/gm)]
        .map(([, term]) => term!)
        .filter((term) => term !== '-h, --help');
      expect(written.sort(), fullName(verb)).toEqual(offered.sort());
    }
  });
});

/** What stands in code blocks of a page, line by line, with continued lines as one. */
const commandLines = (text: string): string[] =>
  [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block]) =>
    block!.replaceAll(/\\\n\s*/g, ' ').split('\n'),
  );

it.each(['docs/PUBLISHER.md', 'README.md'])('%s shows commands that there are', (file) => {
  const text = readFileSync(join(import.meta.dirname, '../../..', file), 'utf8');
  const lines = commandLines(text).flatMap(
    (line) => /^(?:npm run vedette --|vedette) ([^#|;&]+)/.exec(line)?.[1]?.trim() ?? [],
  );
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) {
    const words = line.split(/\s+/);
    let command: Command = program;
    for (const word of words) {
      const below = command.commands.find((one) => one.name() === word);
      if (!below) break;
      command = below;
    }
    expect(command.commands, line).toEqual([]);
    for (const [option] of line.matchAll(/(?<=\s)--?[a-z][\w-]*/g)) {
      const known = command.options.flatMap(({ short, long }) => [short, long]);
      expect(known, `${line}: ${option}`).toContain(option);
    }
  }
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
