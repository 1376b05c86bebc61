// Builds the core beside C++ OpenCV and compares them; says so and does nothing where OpenCV is
// missing. Not part of any test.
// Usage: node_modules/.bin/node native/bench/run.mjs [--rounds 60] [JPEG files]
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const nativeFolder = path.dirname(import.meta.dirname);
const root = path.dirname(nativeFolder);
const buildFolder = path.join(root, 'build', 'native-bench');

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '60' } },
  allowPositionals: true,
});
const search = spawnSync('pkg-config', ['--cflags', 'opencv4'], { encoding: 'utf8' });
if (search.status !== 0) {
  console.log(
    'OpenCV for C++ is missing: apt-get install libopencv-dev pkg-config. Nothing compared.',
  );
  process.exit(0);
}
mkdirSync(buildFolder, { recursive: true });
const program = path.join(buildFolder, 'pixels-to-tensor');
const core = readdirSync(path.join(nativeFolder, 'core'))
  .filter((name) => name.endsWith('.cc'))
  .map((name) => path.join(nativeFolder, 'core', name));
// The flags of binding.gyp.
const flags = ['-std=c++17', '-O3', '-ffp-contract=off', ...search.stdout.trim().split(/\s+/)];
const libraries = ['core', 'imgproc', 'dnn'].map((name) => `-lopencv_${name}`);
const main = path.join(import.meta.dirname, 'pixels_to_tensor.cc');
execFileSync('g++', [...flags, main, ...core, '-o', program, ...libraries, '-ljpeg', '-lpthread'], {
  stdio: 'inherit',
});
const { status } = spawnSync(program, [values.rounds, ...positionals], { stdio: 'inherit' });
process.exitCode = status ?? 1;
