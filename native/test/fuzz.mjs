// Runs the libFuzzer targets over the core (clang, ASan, UBSan). Prints executions and exits with 1
// on a finding, whose input it keeps in build/fuzz.
// Usage: node_modules/.bin/node native/test/fuzz.mjs --seconds 60 [--target jpeg|raw]
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const testFolder = import.meta.dirname;
const nativeFolder = path.dirname(testFolder);
const root = path.dirname(nativeFolder);
const buildFolder = path.join(root, 'build', 'fuzz');

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, target: { type: 'string' } },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1)
  throw new Error('--seconds: a whole number expected');

const core = readdirSync(path.join(nativeFolder, 'core'))
  .filter((name) => name.endsWith('.cc'))
  .map((name) => path.join(nativeFolder, 'core', name));

/** Real pictures to begin with. */
function seed(target, folder) {
  if (target !== 'jpeg') return;
  const street = path.join(root, 'samples', 'images', 'street');
  for (const name of readdirSync(street)) {
    if (name.endsWith('.jpg')) copyFileSync(path.join(street, name), path.join(folder, name));
  }
}

for (const target of values.target ? [values.target] : ['jpeg', 'raw']) {
  const corpus = path.join(buildFolder, `corpus-${target}`);
  mkdirSync(corpus, { recursive: true });
  seed(target, corpus);
  const program = path.join(buildFolder, `fuzz-${target}`);
  execFileSync(
    'clang++',
    [
      '-std=c++17',
      '-O1',
      '-g',
      '-fsanitize=fuzzer,address,undefined',
      '-fno-sanitize-recover=all',
      path.join(testFolder, `fuzz_${target}.cc`),
      ...core,
      '-o',
      program,
      '-ljpeg',
      '-lpthread',
    ],
    { stdio: 'inherit' },
  );
  const result = spawnSync(
    program,
    [
      corpus,
      `-max_total_time=${seconds}`,
      '-max_len=65536',
      '-timeout=20',
      '-rss_limit_mb=2048',
      '-print_final_stats=1',
      '-verbosity=0',
      `-artifact_prefix=${buildFolder}/${target}-`,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  const runs = /stat::number_of_executed_units:\s*(\d+)/.exec(result.stderr)?.[1] ?? 'no';
  if (result.status !== 0) {
    process.stderr.write(result.stderr.slice(-8000));
    console.log(`fuzz ${target}: a finding after ${runs} runs; its input lies in ${buildFolder}`);
    process.exit(1);
  }
  console.log(`fuzz ${target}: ${runs} runs in ${seconds} s, no finding`);
}
