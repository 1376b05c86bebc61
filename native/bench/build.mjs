// @ts-check
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';

const nativeFolder = path.dirname(import.meta.dirname);
const root = path.dirname(nativeFolder);

/** The flags of binding.gyp. */
export const COMPILER_FLAGS = ['-std=c++17', '-O3', '-ffp-contract=off'];

export const MISSING_OPENCV =
  'OpenCV for C++ is missing: apt-get install libopencv-dev pkg-config. Compared without it.';

/**
 * Compiles the core with the programs of this folder, with C++ OpenCV where it is installed.
 * @returns {{ program: string, openCv: string | undefined }} the version of OpenCV
 */
export function buildBench() {
  const flags = spawnSync('pkg-config', ['--cflags', 'opencv4'], { encoding: 'utf8' });
  const version = spawnSync('pkg-config', ['--modversion', 'opencv4'], { encoding: 'utf8' });
  const openCv = flags.status === 0 ? version.stdout.trim() : undefined;
  const without = openCv === undefined ? 'opencv_contenders.cc' : 'without_opencv.cc';
  const sources = [import.meta.dirname, path.join(nativeFolder, 'core')].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.cc') && name !== without)
      .map((name) => path.join(folder, name)),
  );
  const buildFolder = path.join(root, 'build', 'native-bench');
  mkdirSync(buildFolder, { recursive: true });
  const program = path.join(buildFolder, 'bench');
  const libraries = openCv === undefined ? [] : ['core', 'imgproc', 'dnn'];
  execFileSync(
    'g++',
    [
      ...COMPILER_FLAGS,
      ...(openCv === undefined ? [] : flags.stdout.trim().split(/\s+/)),
      ...sources,
      '-o',
      program,
      ...libraries.map((name) => `-lopencv_${name}`),
      '-ljpeg',
      '-lpthread',
    ],
    { stdio: 'inherit' },
  );
  return { program, openCv };
}
