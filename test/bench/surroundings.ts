import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';

/** What a figure depends on besides the code: written above the tables. */
export function surroundings(
  root: string,
  command: string,
): readonly (readonly [string, string])[] {
  const versionOf = (name: string): string => {
    const file = path.join(root, 'node_modules', name, 'package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    return `${name} ${version}`;
  };
  const vector = vectorExtensions();
  return [
    [
      'date',
      new Date()
        .toISOString()
        .replace(/:\d\d\.\d+Z/, ' UTC')
        .replace('T', ' '),
    ],
    ['command', `\`${command}\``],
    ['commit', commit(root)],
    [
      'CPU',
      `${cpus()[0]?.model.trim() ?? 'unknown'} (${arch()}), ${availableParallelism()} cores${vector ? `; ${vector}` : ''}`,
    ],
    ['memory', `${(totalmem() / 1e9).toFixed(1)} GB`],
    ['system', `Linux ${release()}`],
    [
      'others’ load at the start',
      `${loadavg()[0]!.toFixed(2)} runnable processes in the last minute`,
    ],
    ['Node', process.version],
    [
      'packages',
      ['onnxruntime-node', 'sharp', 'fastify', 'better-sqlite3'].map(versionOf).join(', '),
    ],
  ];
}

/** With what was not committed, as git says it. */
function commit(root: string): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
    const changed = git(
      'status',
      '--porcelain',
      '--',
      '.',
      ':!docs/BENCHMARKS.md',
      ':!docs/benchmarks',
    );
    return (
      git('rev-parse', '--short=12', 'HEAD') +
      (changed === '' ? '' : ', with changes that are not committed')
    );
  } catch {
    return 'unknown (no git)';
  }
}

/** Those that decide how fast pixels and models run. */
function vectorExtensions(): string {
  try {
    const info = readFileSync('/proc/cpuinfo', 'utf8');
    const flags = /^(?:flags|Features)\s*: (.*)$/m.exec(info)?.[1];
    const names = ['avx2', 'avx512f', 'avx512_vnni', 'asimd', 'asimddp'];
    return names.filter((name) => flags?.split(' ').includes(name)).join(', ');
  } catch {
    return '';
  }
}
