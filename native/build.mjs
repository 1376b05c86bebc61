// Builds the addon into build/Release/vedette.node unless it is already built from these sources; with
// `--arch arm64` on an x86-64 machine into build/arm64/Release, with libjpeg's library beside it.
// Run with the pinned Node: node_modules/.bin/node native/build.mjs [--force] [--arch arm64]
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { arm64Target, requireArm64Target } from './arm64-target.mjs';

const nativeFolder = import.meta.dirname;
const root = path.dirname(nativeFolder);
const { values } = parseArgs({
  options: { force: { type: 'boolean', default: false }, arch: { type: 'string' } },
});
const arch = values.arch ?? process.arch;
const isCross = arch !== process.arch;
const name = isCross ? `addon for ${arch}` : 'addon';
const target = isCross ? arm64Target.addon : path.join(root, 'build', 'Release', 'vedette.node');
const stampFile = `${target}.stamp`;

async function sourceFiles() {
  const files = [path.join(nativeFolder, 'binding.gyp'), path.join(nativeFolder, 'build.mjs')];
  for (const folder of ['core', 'binding']) {
    const names = await readdir(path.join(nativeFolder, folder));
    for (const name of names.sort()) {
      if (/\.(cc|h)$/.test(name)) files.push(path.join(nativeFolder, folder, name));
    }
  }
  return files;
}

async function stamp() {
  const hash = createHash('sha256');
  hash.update(`${process.version} ${arch} `);
  for (const file of await sourceFiles()) {
    hash.update(`${path.relative(root, file)}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest('hex');
}

/** What node-gyp is told beside the usual: where the headers are and, for another processor, the compiler. */
function toolchain() {
  if (!isCross) {
    const headers = path.join(root, 'node_modules', `node-linux-${arch}`);
    return { headers, needed: ['/usr/include/jpeglib.h'], args: [], environment: {} };
  }
  if (arch !== 'arm64') throw new Error(`--arch: expected arm64, got ${arch}`);
  requireArm64Target();
  const { node, compiler, compilerFlags, linkerFlags } = arm64Target;
  const flags = { CXXFLAGS: compilerFlags.join(' '), LDFLAGS: linkerFlags.join(' ') };
  return {
    headers: node,
    needed: [],
    args: [`--arch=${arch}`],
    environment: { ...compiler, ...flags },
  };
}

function run() {
  const { headers, needed, args, environment: compiler } = toolchain();
  const nodeGyp = path.join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const missing = [headers, nodeGyp, ...needed].filter((file) => !existsSync(file));
  if (missing.length > 0) {
    throw new Error(
      `missing: ${missing.join(', ')}. Run \`npm ci\` and \`apt-get install g++ make python3 libjpeg62-turbo-dev\`.`,
    );
  }
  // Under npm a machine's npm settings stand in the environment, where node-gyp prefers them to its
  // arguments: a `nodedir` there would bring the headers of another Node.
  const withoutNpm = Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name));
  // node-gyp and the gyp file start `node`: it must be the pinned one, not the system's.
  const environment = {
    ...Object.fromEntries(withoutNpm),
    ...compiler,
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ''}`,
  };
  execFileSync(
    process.execPath,
    [nodeGyp, 'rebuild', `--nodedir=${headers}`, ...args, '--jobs=2', '--loglevel=warn'],
    { cwd: nativeFolder, env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
}

/** Two builds in one folder destroy each other: the second waits, then finds the work done. */
async function withLock(action) {
  const lock = path.join(root, 'build', 'addon.lock');
  await mkdir(path.dirname(lock), { recursive: true });
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(lock, 'utf8').catch(() => '0'));
    if (holder > 0 && !existsSync(`/proc/${holder}`)) await rm(lock, { force: true });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  try {
    await action();
  } finally {
    await rm(lock, { force: true });
  }
}

async function isUpToDate(wanted) {
  if (values.force || !existsSync(target)) return false;
  return (await readFile(stampFile, 'utf8').catch(() => '')) === wanted;
}

async function buildAddon() {
  const wanted = await stamp();
  if (await isUpToDate(wanted)) return;
  const startedAt = performance.now();
  run();
  // A rename replaces the file at once; a process that has the old one loaded keeps it.
  await copyFile(path.join(nativeFolder, 'build', 'Release', 'vedette.node'), `${target}.new`);
  await rename(`${target}.new`, target);
  if (isCross)
    await copyFile(arm64Target.libjpeg, path.join(path.dirname(target), 'libjpeg.so.62'));
  await writeFile(stampFile, wanted);
  console.log(`${name}: built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

if (await isUpToDate(await stamp())) {
  console.log(`${name}: up to date`);
} else {
  await mkdir(path.dirname(target), { recursive: true });
  try {
    await withLock(buildAddon);
  } catch (error) {
    console.error(
      `${name}: the build failed\n${error.stdout ?? ''}${error.stderr ?? error.message}`,
    );
    process.exitCode = 1;
  }
}
