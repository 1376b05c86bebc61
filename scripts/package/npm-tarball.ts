import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { buildDashboard } from '../../local-server/dashboard/build.mjs';
import { bundleProgram, EXTERNAL, packagesOfDashboard } from './bundle.ts';
import { buildNativeModules } from './native-modules.ts';
import { writeNotices, type Part } from './notices.ts';
import { linkedLibraries } from './stage.ts';
import { prepareSysroot } from './sysroot.ts';
import { buildFolder, root, type Target } from './target.ts';

const run = promisify(execFile);

const FONTS = 'node_modules/dejavu-fonts-ttf';

/** An addon and the library beside it, for `prebuilt/<platform>-<architecture>/`. */
export interface PrebuiltAddon {
  readonly nodeArch: string;
  readonly addon: string;
  /** Absent where the addon finds the system's. */
  readonly libjpeg?: string;
}

/**
 * The whole command line as a package of npm, `vedette-<version>.tgz`: bundled, because Node takes no
 * types out of what lies in `node_modules`. Packages with binaries stay dependencies, so that npm brings
 * those of the machine; the addon is there for `targets`.
 */
export async function packForNpm(targets: readonly Target[], output: string): Promise<string> {
  const parts: Part[] = [];
  const addons: PrebuiltAddon[] = [];
  for (const target of targets) {
    const sysroot = await prepareSysroot(target);
    const { addon } = await buildNativeModules(target, sysroot);
    addons.push({ nodeArch: target.nodeArch, addon, libjpeg: sysroot.libjpeg });
    parts.push(...linkedLibraries(sysroot));
  }
  const folder = path.join(buildFolder, 'npm-package');
  await layNpmPackage(folder, addons, parts);
  try {
    return await packFolder(folder, output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `npm pack`. @returns the archive */
export async function packFolder(folder: string, output: string): Promise<string> {
  await mkdir(output, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', output], {
    cwd: folder,
    maxBuffer: 1 << 26,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return path.join(output, filename);
}

/** Everything of the package as it lies once it is installed, without its dependencies. */
export async function layNpmPackage(
  folder: string,
  addons: readonly PrebuiltAddon[],
  linked: readonly Part[] = [],
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const place = async (from: string, to: string) => {
    const file = path.join(folder, to);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(path.resolve(root, from), file);
  };
  const bundled = await bundleProgram(
    'cloud-publisher/cli.ts',
    path.join(folder, 'cloud-publisher'),
  );
  await chmod(path.join(folder, 'cloud-publisher/cli.js'), 0o755);
  for (const name of await readdir(path.join(root, 'recipes'))) {
    if (name.endsWith('.yaml')) await place(`recipes/${name}`, `recipes/${name}`);
  }
  for (const { nodeArch, addon, libjpeg } of addons) {
    const beside = `prebuilt/linux-${nodeArch}`;
    await place(addon, `${beside}/vedette.node`);
    if (libjpeg !== undefined) await place(libjpeg, `${beside}/libjpeg.so.62`);
  }
  const dashboard = await buildDashboard();
  await cp(dashboard.folder, path.join(folder, 'build/dashboard'), { recursive: true });
  await layFonts(folder, place);
  await place('LICENSE', 'LICENSE');
  await place('scripts/package/npm-readme.md', 'README.md');
  await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(record(), undefined, 2)}\n`);
  const inside = [...bundled, ...(await packagesOfDashboard()), FONTS];
  await writeNotices(path.join(folder, 'THIRD-PARTY-NOTICES.txt'), [
    ...inside.map((one) => ({ kind: 'npm' as const, folder: path.resolve(root, one) })),
    ...linked,
  ]);
}

/** Beside the program, where component/device-program.ts looks; npm packs no `node_modules`. */
async function layFonts(
  folder: string,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  for (const name of ['DejaVuSansMono.ttf', 'DejaVuSansMono-Bold.ttf']) {
    await place(`${FONTS}/ttf/${name}`, `fonts/${name}`);
  }
  const file = path.join(folder, 'cloud-publisher/pipeline/fonts.conf');
  await mkdir(path.dirname(file), { recursive: true });
  const lines = [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">',
    '<fontconfig><dir prefix="relative">../../fonts</dir></fontconfig>',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
}

/** Versions are those that the lock file of the clone was tested with. */
function record(): object {
  const { name, version, description, license, type, dependencies } = packageJson;
  const kept = Object.entries(dependencies).filter(([one]) => EXTERNAL.includes(one));
  return {
    name,
    version,
    description: `${description}, and publishes them to a fleet`,
    license,
    type,
    bin: { vedette: 'cloud-publisher/cli.js' },
    // What the bundle is made for.
    engines: { node: '>=24' },
    os: ['linux', 'darwin'],
    dependencies: Object.fromEntries(kept),
  };
}
