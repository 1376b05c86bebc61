// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  emulatesArm64,
  fetchArm64Libraries,
  fetchArm64Node,
  hasArm64Libraries,
  hasArm64Node,
} from './arm64-target.mjs';
import { copyTextModels, hasTextModels } from './copy-text-models.mjs';
import { installDebianPackages, missingDebianPackages } from './debian-packages.mjs';
import { hasNpmPackages, installNpmPackages } from './npm-packages.mjs';
import { hasPinnedNode, pinnedNode, requireKnownPlatform, runsOnGlibc } from './pinned-node.mjs';
import { runLogged } from './run-logged.mjs';
import { SetupError } from './setup-error.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';

/**
 * `packages`: npm's only; `run`: everything a running device needs; `package`: that and what artifacts
 * are made with; `test`: as `run`, and what tests need; `deep`: all of it.
 * @typedef {'packages' | 'run' | 'package' | 'test' | 'deep'} Needs
 * @typedef {{ title: string, duration: string, isDone: () => boolean, run: () => Promise<void> }} Step
 */

const ADDON_SOURCES = ['native/build.mjs', 'native/binding.gyp', 'native/core', 'native/binding'];

/**
 * Brings the clone into the state that a command needs. Does nothing, in well under half a second,
 * when nothing changed; never runs twice at once.
 * @param {string} root of the clone
 * @param {Needs} needs
 */
export async function prepare(root, needs) {
  requireKnownPlatform(process.platform, process.arch, runsOnGlibc());
  const { first, then } = stepsFor(root, needs);
  if ([...first, ...then].flat().every((step) => step.isDone())) return;
  await withSetupLock(
    join(root, 'build/setup/lock'),
    async () => {
      await allEnded(first.map(runInOrder));
      await allEnded(then.map(runInOrder));
    },
    (holder) => console.error(`Preparing: waiting for process ${holder}, which is at it already…`),
  );
}

/** @param {readonly Step[]} steps */
async function runInOrder(steps) {
  for (const step of steps) await runStep(step);
}

/**
 * A failure is told when nothing writes to the clone any more.
 * @param {readonly Promise<void>[]} runs
 */
async function allEnded(runs) {
  for (const run of await Promise.allSettled(runs)) {
    if (run.status === 'rejected') throw run.reason;
  }
}

/** @param {Step} step */
async function runStep(step) {
  if (step.isDone()) return;
  const startedAt = Date.now();
  console.error(`Preparing: ${step.title} (once, ${step.duration})…`);
  await step.run();
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.error(`Preparing: ${step.title} done in ${seconds} s`);
}

/**
 * Of `first`, then of `then` each list side by side, its steps one after the other.
 * @param {string} root
 * @param {Needs} needs
 * @returns {{ first: Step[][], then: Step[][] }}
 */
function stepsFor(root, needs) {
  const log = (/** @type {string} */ name) => join(root, `build/setup/${name}.log`);
  /** @type {Step} */
  const npmPackages = {
    title: 'npm packages',
    duration: 'about 30 s',
    isDone: () => hasNpmPackages(root) && hasPinnedNode(root),
    run: async () => {
      await installNpmPackages(root, log('npm'));
      if (!hasPinnedNode(root)) {
        throw new SetupError(
          `npm installed no Node for ${process.platform}-${process.arch}; expected ${pinnedNode(root)}. ` +
            'Was npm told to leave out optional packages (`npm config get omit`)?',
          1,
        );
      }
    },
  };
  if (needs === 'packages') return { first: [[npmPackages]], then: [] };
  /** @type {Step} */
  const debianPackages = {
    title: 'Debian packages',
    duration: 'about a minute',
    isDone: () => missingDebianPackages(needs).length === 0,
    run: () => installDebianPackages(needs, root, log('apt')),
  };
  const runs = [
    {
      title: 'text models',
      duration: 'a moment',
      isDone: () => hasTextModels(root),
      run: () => Promise.resolve(copyTextModels(root)),
    },
    buildStep(root, {
      title: 'addon',
      duration: 'about 30 s',
      script: 'native/build.mjs',
      inputs: ADDON_SOURCES,
      output: 'build/Release/vedette.node',
    }),
    buildStep(root, {
      title: 'web page',
      duration: 'about 5 s',
      script: 'local-server/dashboard/build.mjs',
      inputs: ['local-server/dashboard'],
      output: 'build/dashboard/index.html',
    }),
  ];
  const emulates = ['test', 'deep'].includes(needs) && emulatesArm64();
  return {
    first: [[debianPackages], [npmPackages]],
    then: [
      ...(['package', 'deep'].includes(needs) ? [[artifactStep(root)]] : []),
      runs,
      ...(emulates ? [arm64Steps(root, log)] : []),
    ],
  };
}

/**
 * What artifacts are made of, so that making them needs no network and few seconds. `npm test` makes that
 * of this machine while it checks: compiling SQLite keeps one core busy for a minute and a half.
 * @param {string} root
 */
function artifactStep(root) {
  const recipes = ['sysroot.ts', 'native-modules.ts', 'runtime-packages.ts', 'npm-package.ts'];
  const own = process.arch === 'x64' ? 'amd64' : 'arm64';
  const architectures = own === 'arm64' ? [own] : [own, 'arm64'];
  return buildStep(root, {
    title: architectures.length === 1 ? 'parts of the artifact' : 'parts of the artifacts',
    duration: architectures.length === 1 ? 'about 90 s' : 'about 3 minutes',
    script: 'scripts/package.ts',
    args: ['--prepare', ...architectures.flatMap((name) => ['--platform', `linux/${name}`])],
    inputs: [
      ...['native/binding.gyp', 'native/core', 'native/binding'],
      ...recipes.map((name) => `scripts/package/${name}`),
    ],
    output: `build/package/${architectures.at(-1)}/native/better_sqlite3.node`,
  });
}

/**
 * @param {string} root
 * @param {(name: string) => string} log
 * @returns {Step[]}
 */
function arm64Steps(root, log) {
  return [
    {
      title: 'libraries for arm64',
      duration: 'about 5 s',
      isDone: hasArm64Libraries,
      run: () => fetchArm64Libraries(log('arm64-libraries')),
    },
    {
      title: 'Node for arm64',
      duration: 'about 5 s',
      isDone: () => hasArm64Node(root),
      run: () => fetchArm64Node(root, log('arm64-node')),
    },
    buildStep(root, {
      title: 'addon for arm64',
      duration: 'about 30 s',
      script: 'native/build.mjs',
      args: ['--arch', 'arm64'],
      inputs: [...ADDON_SOURCES, 'native/arm64-target.mjs'],
      output: 'build/arm64/Release/vedette.node',
    }),
  ];
}

/**
 * A build that is repeated when one of its inputs, the npm packages or the platform changed.
 * @param {string} root
 * @param {{ title: string, duration: string, script: string, args?: string[],
 *   inputs: readonly string[], output: string }} build
 * @returns {Step}
 */
function buildStep(root, { title, duration, script, args = [], inputs, output }) {
  const name = title.replaceAll(' ', '-');
  const stamp = join(root, `build/setup/${name}.stamp`);
  const print = () =>
    fingerprint(root, [...inputs, 'package-lock.json'], [process.platform, process.arch]);
  return {
    title,
    duration,
    isDone: () => existsSync(join(root, output)) && isStamped(stamp, print()),
    run: async () => {
      const before = print();
      await runLogged({
        what: title,
        command: pinnedNode(root),
        args: [script, ...args],
        cwd: root,
        logFile: join(root, `build/setup/${name}.log`),
      });
      writeStamp(stamp, before);
    },
  };
}
