// Builds the core and its tests without Node and runs them: under ASan and UBSan, then the threads
// under TSan. Prints how many passed; exits with 1 when one fails.
// Usage: node_modules/.bin/node native/test/run.mjs [part of a title]
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const testFolder = import.meta.dirname;
const nativeFolder = path.dirname(testFolder);
const buildFolder = path.join(path.dirname(nativeFolder), 'build', 'native-tests');

const VARIANTS = [
  {
    name: 'address+undefined',
    flags: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-D_GLIBCXX_ASSERTIONS'],
    filter: '',
  },
  { name: 'thread', flags: ['-fsanitize=thread'], filter: 'a ' },
];

const sources = (folder, keep) =>
  readdirSync(folder)
    .filter((name) => keep(name))
    .sort()
    .map((name) => path.join(folder, name));

const core = sources(path.join(nativeFolder, 'core'), (name) => name.endsWith('.cc'));
const headers = sources(path.join(nativeFolder, 'core'), (name) => name.endsWith('.h'));
const tests = sources(testFolder, (name) => name.endsWith('_test.cc') || name === 'main.cc');
const testHeaders = sources(testFolder, (name) => name.endsWith('.h'));

/** The test program for a set of flags, built again only when a source changed. */
export function build(name, flags, compiler = 'g++') {
  const inputs = [...core, ...headers, ...tests, ...testHeaders];
  const hash = createHash('sha256').update([compiler, ...flags].join(' '));
  for (const file of inputs) hash.update(file).update(readFileSync(file));
  mkdirSync(buildFolder, { recursive: true });
  const program = path.join(buildFolder, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  const common = ['-std=c++17', '-O1', '-g', '-fno-omit-frame-pointer', '-ffp-contract=off'];
  const warnings = ['-Wall', '-Wextra', '-Werror'];
  const files = [...core, ...tests];
  execFileSync(
    compiler,
    [...common, ...warnings, ...flags, ...files, '-o', program, '-ljpeg', '-lpthread'],
    { stdio: 'inherit' },
  );
  return program;
}

if (process.argv[1] === import.meta.filename) {
  for (const { name, flags, filter } of VARIANTS) {
    const program = build(name, flags);
    const title = process.argv[2] ?? filter;
    const result = spawnSync(program, title === '' ? [] : [title], { encoding: 'utf8' });
    process.stderr.write(result.stderr);
    console.log(`core tests (${name}): ${result.stdout.trim() || `ended with ${result.signal}`}`);
    if (result.status !== 0) process.exit(1);
  }
}
