import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { fingerprint, isStamped, writeStamp } from '../setup/stamp.mjs';
import { npmPackage } from './npm-package.ts';
import type { Sysroot } from './sysroot.ts';
import { root, type Target } from './target.ts';

const run = promisify(execFile);

export interface NativeModules {
  readonly addon: string;
  readonly sqlite: string;
}

/** The addon and better-sqlite3, compiled for a target against an old C library. */
export async function buildNativeModules(target: Target, sysroot: Sysroot): Promise<NativeModules> {
  // Whatever else the lock file names has no part in it.
  const recipe = [
    ...['better-sqlite3', 'node-addon-api', 'node-gyp'].map(
      (name) => `node_modules/${name}/package.json`,
    ),
    'scripts/package/native-modules.ts',
    'scripts/package/sysroot.ts',
  ];
  const addon = build(target, sysroot, {
    name: 'vedette',
    source: path.join(root, 'native'),
    parts: ['binding.gyp', 'core', 'binding'],
    inputs: [...recipe, 'native/binding.gyp', 'native/core', 'native/binding'],
    args: [],
  });
  const sqlite = build(target, sysroot, {
    name: 'better_sqlite3',
    source: path.join(root, 'node_modules/better-sqlite3'),
    parts: ['binding.gyp', 'deps', 'src', 'lib', 'package.json'],
    inputs: recipe,
    args: ['--', '-Dforce_build=1'],
  });
  const [addonFile, sqliteFile] = await Promise.all([addon, sqlite]);
  return { addon: addonFile, sqlite: sqliteFile };
}

interface Recipe {
  /** Of the target in binding.gyp. */
  readonly name: string;
  readonly source: string;
  readonly parts: readonly string[];
  readonly inputs: readonly string[];
  /** For node-gyp. */
  readonly args: readonly string[];
}

async function build(target: Target, sysroot: Sysroot, recipe: Recipe): Promise<string> {
  const work = path.join(target.workFolder, 'native', recipe.name);
  const output = path.join(target.workFolder, 'native', `${recipe.name}.node`);
  const print = fingerprint(root, recipe.inputs, [process.version, target.platform]);
  if (isStamped(`${output}.stamp`, print)) return output;
  await rm(work, { recursive: true, force: true });
  const source = path.join(work, 'source');
  await mkdir(source, { recursive: true });
  for (const part of recipe.parts) {
    await cp(path.join(recipe.source, part), path.join(source, part), { recursive: true });
  }
  await symlink(path.join(root, 'node_modules'), path.join(work, 'node_modules'));
  await nodeGyp(target, sysroot, source, recipe.args);
  const stripped = `${output}.new`;
  await copyFile(path.join(source, 'build/Release', `${recipe.name}.node`), stripped);
  await strip(target, stripped);
  await rm(output, { force: true });
  await copyFile(stripped, output);
  await rm(stripped);
  writeStamp(`${output}.stamp`, print);
  return output;
}

/** Drops what only a debugger reads; what the loader and Node-API need stays. */
export async function strip(target: Target, file: string): Promise<void> {
  await run(`${target.toolPrefix}strip`, ['--strip-unneeded', file]);
}

async function nodeGyp(
  target: Target,
  sysroot: Sysroot,
  folder: string,
  args: readonly string[],
): Promise<void> {
  const headers = await npmPackage(target, `node-linux-${target.nodeArch}`);
  const program = path.join(root, 'node_modules/node-gyp/bin/node-gyp.js');
  // npm's settings in the environment would win over these arguments.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name));
  // Paths of this machine stay out of what ships.
  const compileFlags = `${sysroot.compileFlags} -ffile-prefix-map=${root}=.`;
  const environment = {
    ...Object.fromEntries(inherited),
    CC: `${target.toolPrefix}gcc`,
    CXX: `${target.toolPrefix}g++`,
    AR: `${target.toolPrefix}gcc-ar`,
    CFLAGS: compileFlags,
    CXXFLAGS: `${compileFlags} ${sysroot.cxxFlags}`,
    LDFLAGS: sysroot.linkFlags,
    // node-gyp and the gyp file start `node`: it must be the pinned one, not the system's.
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`,
  };
  const platform = [`--nodedir=${headers}`, `--arch=${target.nodeArch}`];
  const options = [program, 'rebuild', ...platform, '--jobs=2', '--loglevel=warn', ...args];
  try {
    await run(process.execPath, options, { cwd: folder, env: environment, maxBuffer: 1 << 26 });
  } catch (thrown) {
    const { stderr = '', stdout = '' } = thrown as { stderr?: string; stdout?: string };
    const text = `${stdout}${stderr}`.trim().split('\n').slice(-40).join('\n');
    throw new Error(`${folder} could not be compiled for ${target.platform}:\n${text}`, {
      cause: thrown,
    });
  }
}
