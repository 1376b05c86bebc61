import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildDashboard } from '../../local-server/dashboard/build.mjs';
import { bundleRuntime, packagesOfDashboard } from './bundle.ts';
import { buildNativeModules, strip } from './native-modules.ts';
import { npmPackage } from './npm-package.ts';
import { shippedPackages } from './runtime-packages.ts';
import { writeNotices, type Part } from './notices.ts';
import { writeSbom } from './sbom.ts';
import { prepareSysroot, type Sysroot } from './sysroot.ts';
import { root, type Target } from './target.ts';

/** Starts the command line of an unpacked artifact, whatever PATH and working folder are. */
const LAUNCHER = `#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
exec "$here/node" "$here/../component/main.js" "$@"
`;
const LICENCE_FILE = /^(licen[cs]e|notice|copying|third.?party)/i;

/** Everything that ships for a target, in a new folder as it will lie on the device. */
export async function stageRuntime(target: Target): Promise<string> {
  await mkdir(target.workFolder, { recursive: true });
  const folder = await mkdtemp(path.join(target.workFolder, 'stage-'));
  const sysroot = await prepareSysroot(target);
  const native = await buildNativeModules(target, sysroot);
  const place = async (from: string, to: string) => {
    const file = path.join(folder, to);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(from, file);
    return file;
  };

  const nodeFolder = await npmPackage(target, `node-linux-${target.nodeArch}`);
  const node = await place(path.join(nodeFolder, 'bin/node'), 'bin/node');
  await strip(target, node);
  await writeFile(path.join(folder, 'bin/vedette'), LAUNCHER);
  for (const program of ['node', 'vedette']) await chmod(path.join(folder, 'bin', program), 0o755);
  const bundled = await bundleRuntime(path.join(folder, 'component'));
  await place(path.join(root, 'component/pipeline/fonts.conf'), 'component/pipeline/fonts.conf');
  await writeFile(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  await place(native.addon, 'build/Release/vedette.node');
  await place(sysroot.libjpeg, 'build/Release/libjpeg.so.62');
  for (const name of ['model_convertor.py', 'convert_model_cleanup.py']) {
    await place(path.join(root, 'recipes/dda', name), `dda/${name}`);
  }
  const dashboard = await buildDashboard();
  await cp(dashboard.folder, path.join(folder, 'build/dashboard'), { recursive: true });

  const shipped: string[] = [];
  for (const { name, ships } of shippedPackages(target)) {
    const source = await npmPackage(target, name);
    shipped.push(source);
    for (const file of await filesOf(source)) {
      // Packages inside it are packages of their own.
      if (file.startsWith('node_modules/')) continue;
      if (!ships(file) && !LICENCE_FILE.test(file)) continue;
      await place(path.join(source, file), path.join('node_modules', name, file));
    }
  }
  await place(native.sqlite, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node');
  const inBundles = new Set([...bundled, ...(await packagesOfDashboard())]);
  const parts = partsOf(nodeFolder, [...shipped, ...inBundles], sysroot);
  await place(path.join(root, 'LICENSE'), 'LICENSE');
  await writeNotices(path.join(folder, 'THIRD-PARTY-NOTICES.txt'), parts);
  await writeSbom(path.join(folder, 'sbom.cdx.json'), parts, target);
  return folder;
}

function partsOf(nodeFolder: string, packages: readonly string[], sysroot: Sysroot): Part[] {
  return [
    { kind: 'npm', folder: nodeFolder },
    ...packages.map((folder) => ({ kind: 'npm' as const, folder: path.resolve(root, folder) })),
    ...linkedLibraries(sysroot),
  ];
}

/** What the compiled modules bring of others. */
export function linkedLibraries(sysroot: Sysroot): Part[] {
  return [
    {
      kind: 'library',
      name: 'libjpeg-turbo',
      version: sysroot.libjpegVersion,
      licence: 'IJG AND BSD-3-Clause AND Zlib',
      text: sysroot.libjpegCopyright,
    },
    {
      kind: 'library',
      name: 'libstdc++ and libgcc (linked into the addon and better-sqlite3)',
      version: '10.2.1',
      licence: 'GPL-3.0-or-later WITH GCC-exception-3.1',
      text: sysroot.gccCopyright,
    },
  ];
}

/** Files of a folder, relative and in a fixed order. */
export async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}
