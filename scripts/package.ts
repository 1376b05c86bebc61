// Makes the artifacts of the Greengrass component: for each platform the runtime's zip and that of the media
// pack, into build/package. With --npm the command line as a package of npm, and nothing else.
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { artifactName, layComponent } from './package/component.ts';
import { localServerOf } from './package/local-server.ts';
import { binaryFloors, floorProblems } from './package/library-floor.ts';
import { stageMedia } from './package/media-pack.ts';
import { buildNativeModules } from './package/native-modules.ts';
import { npmPackage } from './package/npm-package.ts';
import { packForNpm } from './package/npm-tarball.ts';
import { shippedPackages } from './package/runtime-packages.ts';
import { stageRuntime } from './package/stage.ts';
import { prepareSysroot } from './package/sysroot.ts';
import { buildFolder, platformsMadeOn, root, targetOf, type Target } from './package/target.ts';
import { writeZip } from './package/write-zip.ts';

/** What a zip may take: devices hang on slow lines. */
const MAX_ZIP_BYTES = 90_000_000;

const { values } = parseArgs({
  options: {
    platform: { type: 'string', multiple: true, default: platformsMadeOn(process.arch) },
    output: { type: 'string', default: buildFolder },
    only: { type: 'string' },
    /** Lays recipe and zips where `gdk component publish` takes them from. */
    component: { type: 'boolean', default: false },
    /** Under this name and version, in the place of DDA's LocalServer. */
    'local-server': { type: 'string' },
    /** The command line for laptops, as `npm install --global` takes it. */
    npm: { type: 'boolean', default: false },
    /** Downloads and compiles what takes long, and makes nothing of it. */
    prepare: { type: 'boolean', default: false },
  },
});
const STAGES = { runtime: stageRuntime, media: stageMedia } as const;
const kinds = Object.keys(STAGES) as (keyof typeof STAGES)[];
if (values.only !== undefined && !kinds.includes(values.only as 'media')) {
  throw new Error(`--only: expected ${kinds.join(' or ')}, got ${values.only}`);
}

const localServer = localServerOf(values['local-server'], values.platform);
if (localServer && !values.component) throw new Error('--local-server needs --component');
if (values.npm && (values.component || values.prepare || values.only !== undefined)) {
  throw new Error('--npm makes one thing alone: give no --component, --only or --prepare with it');
}
const targets = values.platform.map(targetOf);
if (values.npm) console.log(await packForNpm(targets, values.output));

const zips: string[] = [];
for (const target of values.npm ? [] : targets) {
  if (values.prepare) {
    await buildNativeModules(target, await prepareSysroot(target));
    for (const { name } of shippedPackages(target)) await npmPackage(target, name);
    continue;
  }
  for (const kind of kinds) {
    if (values.only === undefined || values.only === kind) await make(kind, target);
  }
}

if (values.component) {
  await layComponent(values.platform, zips, path.join(root, 'greengrass-build'), localServer);
  console.log('greengrass-build is ready for `gdk component publish`');
}

async function make(kind: keyof typeof STAGES, target: Target): Promise<void> {
  const folder = await STAGES[kind](target);
  try {
    await zipFolder(kind, target, folder);
  } finally {
    // That of the media pack took minutes to compile and is kept.
    if (kind === 'runtime') await rm(folder, { recursive: true });
  }
}

async function zipFolder(kind: keyof typeof STAGES, target: Target, folder: string): Promise<void> {
  const problems = floorProblems(await binaryFloors(folder));
  if (problems.length > 0) {
    throw new Error(`${target.platform} would not run everywhere:\n  ${problems.join('\n  ')}`);
  }
  await mkdir(values.output, { recursive: true });
  const file = path.join(values.output, `${artifactName(kind, target.debianArch)}.zip`);
  const { bytes, sha256 } = await writeZip(folder, file);
  zips.push(file);
  console.log(`${file}  ${(bytes / 1e6).toFixed(1)} MB  sha256 ${sha256}`);
  if (bytes > MAX_ZIP_BYTES) {
    throw new Error(`${file} has ${bytes} bytes; at most ${MAX_ZIP_BYTES} are allowed`);
  }
}
