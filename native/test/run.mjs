// Builds the core and its tests without Node and runs them: under ASan and UBSan, then the threads
// under TSan; or with --valgrind all of them under memcheck; or, on an x86-64 machine, with --arch arm64
// compiled for 64-bit Arm and emulated, under UBSan, with --address under ASan too. Prints how many
// passed; exits with 1 when one fails.
// Usage: node_modules/.bin/node native/test/run.mjs [--valgrind | --arch arm64 [--address]] [part of a title]
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { arm64Target, emulated, requireArm64Target } from '../arm64-target.mjs';
import { compileObjects, filesOf, run } from './compile-objects.mjs';

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

const coreFolder = path.join(nativeFolder, 'core');
const headers = [...filesOf(coreFolder, /\.h$/), ...filesOf(testFolder, /\.h$/)];
const sources = [
  ...filesOf(coreFolder, /\.cc$/),
  ...filesOf(testFolder, /_test\.cc$/),
  path.join(testFolder, 'main.cc'),
];

/** The test program for a set of flags; only what changed is compiled again. */
async function build(name, extraFlags, compiler = 'g++', linkerFlags = []) {
  const flags = [
    ...['-std=c++17', '-O1', '-g1', '-fno-omit-frame-pointer', '-ffp-contract=off'],
    ...['-Wall', '-Wextra', '-Werror'],
    ...extraFlags,
  ];
  const folder = path.join(buildFolder, name);
  const objects = await compileObjects({ compiler, flags, sources, headers, folder });
  const program = path.join(folder, 'core-tests');
  const files = sources.map((source) => objects.get(source));
  await run(compiler, [...flags, ...files, '-o', program, ...linkerFlags, '-ljpeg', '-lpthread']);
  return program;
}

/** Runs the test program; ends this one with 1 when it fails. @returns how many tests passed */
function runTests(name, command, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, env });
  if (result.error) throw result.error;
  process.stderr.write(result.stderr);
  if (result.status !== 0) {
    console.log(
      `core tests (${name}): ended with ${result.signal ?? result.status}\n0 passed, 1 failed`,
    );
    process.exit(1);
  }
  const passed = Number(/(\d+) passed/.exec(result.stdout)?.[1] ?? 0);
  console.log(`core tests (${name}): all ${passed} good`);
  return passed;
}

const { values, positionals } = parseArgs({
  options: {
    valgrind: { type: 'boolean', default: false },
    arch: { type: 'string' },
    address: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
let passed = 0;
if (values.arch === 'arm64') {
  requireArm64Target();
  const sanitizers = values.address ? 'address,undefined' : 'undefined';
  const { compiler, compilerFlags, linkerFlags, libraryFolder } = arm64Target;
  const flags = [`-fsanitize=${sanitizers}`, '-fno-sanitize-recover=all', ...compilerFlags];
  const name = `arm64, ${sanitizers.replace(',', '+')}`;
  const [command, args] = emulated(
    await build(name.replace(', ', '-'), flags, compiler.CXX, [
      ...linkerFlags,
      `-Wl,-rpath,${libraryFolder}`,
    ]),
    positionals,
  );
  // An emulated process cannot be traced, which looking for leaks would need; memcheck does it.
  passed = runTests(name, command, args, { ASAN_OPTIONS: 'detect_leaks=0' });
} else if (values.arch !== undefined) {
  throw new Error(`--arch: expected arm64, got ${values.arch}`);
} else if (values.valgrind) {
  const options = [
    '--quiet',
    '--leak-check=full',
    '--errors-for-leak-kinds=definite,indirect',
    '--error-exitcode=9',
  ];
  // With unusual samplings libjpeg's SIMD carries lanes beyond the row along, which memcheck takes
  // for a use of them; its plain C is clean.
  const plainLibjpeg = { JSIMD_FORCENONE: '1' };
  const manyCalls = { VEDETTE_CALLS: '100000' };
  const command = [...options, await build('plain', []), ...positionals];
  passed = runTests('valgrind', 'valgrind', command, { ...plainLibjpeg, ...manyCalls });
} else {
  for (const { name, flags, filter } of VARIANTS) {
    const title = positionals[0] ?? filter;
    passed += runTests(name, await build(name, flags), title === '' ? [] : [title]);
  }
}
console.log(`${passed} passed`);
