// Builds the libFuzzer targets over the core (clang, ASan, UBSan) and runs them, two at a time. Prints
// executions and exits with 1 on a finding, whose input it keeps in build/fuzz. What the targets
// learnt stays in build/fuzz/corpus-* for the next run.
// Usage: node_modules/.bin/node native/test/fuzz.mjs [--seconds 60] [--target jpeg]
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compileObjects, filesOf, inLanes, run } from './compile-objects.mjs';
import { writeJpegSeeds } from './fuzz-seeds.mjs';

const testFolder = import.meta.dirname;
const nativeFolder = path.dirname(testFolder);
const root = path.dirname(nativeFolder);
const buildFolder = path.join(root, 'build', 'fuzz');

const FLAGS = [
  '-std=c++17',
  '-O1',
  '-g1',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
  '-ffp-contract=off',
];

async function buildAll(targets) {
  const core = filesOf(path.join(nativeFolder, 'core'), /\.cc$/);
  const mains = targets.map((target) => path.join(testFolder, `fuzz_${target}.cc`));
  const objects = await compileObjects({
    compiler: 'clang++',
    flags: [...FLAGS, '-fsanitize=fuzzer-no-link'],
    sources: [...core, ...mains],
    headers: [...filesOf(path.join(nativeFolder, 'core'), /\.h$/), ...filesOf(testFolder, /\.h$/)],
    folder: buildFolder,
  });
  await inLanes(targets, async (target) => {
    const files = [path.join(testFolder, `fuzz_${target}.cc`), ...core];
    const program = path.join(buildFolder, `fuzz-${target}`);
    const libraries = ['-fsanitize=fuzzer', '-ljpeg', '-lpthread'];
    await run('clang++', [
      ...FLAGS,
      ...files.map((file) => objects.get(file)),
      '-o',
      program,
      ...libraries,
    ]);
  });
}

/** @returns whether nothing was found */
async function fuzz(target, seconds) {
  const corpus = path.join(buildFolder, `corpus-${target}`);
  mkdirSync(corpus, { recursive: true });
  if (target === 'jpeg') await writeJpegSeeds(corpus);
  const dictionary = path.join(testFolder, `fuzz_${target}.dict`);
  const result = await run(
    path.join(buildFolder, `fuzz-${target}`),
    [
      corpus,
      `-max_total_time=${seconds}`,
      '-max_len=65536',
      '-timeout=20',
      '-rss_limit_mb=2048',
      '-print_final_stats=1',
      '-verbosity=0',
      `-artifact_prefix=${buildFolder}/${target}-`,
      ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  ).catch((error) => error);
  const runs = /stat::number_of_executed_units:\s*(\d+)/.exec(result.stderr)?.[1] ?? 'no';
  if (result instanceof Error) {
    process.stderr.write(result.stderr?.slice(-8000) ?? result.message);
    console.log(`fuzz ${target}: a finding after ${runs} runs; its input lies in ${buildFolder}`);
    return false;
  }
  console.log(`fuzz ${target}: ${runs} runs in ${seconds} s, no finding`);
  return Number(runs) > 0;
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, target: { type: 'string' } },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1) {
  throw new Error('--seconds: a whole number expected');
}
const all = filesOf(testFolder, /^fuzz_\w+\.cc$/).map((file) =>
  path.basename(file, '.cc').slice('fuzz_'.length),
);
const targets = values.target === undefined ? all : [values.target];
const unknown = targets.find((target) => !all.includes(target));
if (unknown !== undefined) throw new Error(`--target: expected ${all.join(', ')}, got ${unknown}`);

await buildAll(targets);
const clean = [];
await inLanes(targets, async (target) => {
  if (await fuzz(target, seconds)) clean.push(target);
});
console.log(`${clean.length} passed, ${targets.length - clean.length} failed`);
process.exitCode = clean.length === targets.length ? 0 : 1;
