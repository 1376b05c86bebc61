import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { x as extract } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { EXTERNAL } from '../../../scripts/package/bundle.ts';
import { EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { layNpmPackage, packFolder } from '../../../scripts/package/npm-tarball.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MODEL = join(ROOT, 'samples/models/coco-detector');
const run = promisify(execFile);

let aws: EmulatedAws;
let prefix: string;
let installed: string;

/** The command that npm puts on the path, from a folder that knows nothing of the clone. */
async function vedette(...args: string[]) {
  const options = {
    cwd: prefix,
    env: {
      ...aws.environment(),
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: prefix,
    },
    maxBuffer: 1 << 26,
  };
  return run(join(prefix, 'bin/vedette'), args, options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

/** What `npm install --global --prefix` leaves, with dependencies that are here already. */
beforeAll(async () => {
  aws = await EmulatedAws.start();
  aws.s3.buckets.set('my-models', REGION);
  prefix = await realpath(await mkdtemp(join(tmpdir(), 'vedette-npm-')));
  installed = join(prefix, 'lib/node_modules/vedette');
  const addon = join(ROOT, 'build/Release/vedette.node');
  const folder = join(prefix, 'laid');
  await layNpmPackage(folder, [{ nodeArch: process.arch, addon }]);
  const archive = await packFolder(folder, prefix);
  await rm(folder, { recursive: true });
  await mkdir(installed, { recursive: true });
  await extract({ file: archive, cwd: installed, strip: 1 });
  for (const name of EXTERNAL) {
    await mkdir(join(installed, 'node_modules'), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(installed, 'node_modules', name));
  }
  await symlink(join(ROOT, 'samples'), join(prefix, 'samples'));
  await mkdir(join(prefix, 'bin'));
  await symlink('../lib/node_modules/vedette/cloud-publisher/cli.js', join(prefix, 'bin/vedette'));
}, 120_000);

afterAll(async () => {
  await rm(prefix, { recursive: true, force: true });
  await aws.close();
});

describe('the package of npm', { timeout: 60_000 }, () => {
  it('names its command and its dependencies with the versions of the lock file, and holds no types', async () => {
    const record = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
      readonly private?: boolean;
      readonly version: string;
      readonly bin: Readonly<Record<string, string>>;
      readonly dependencies: Readonly<Record<string, string>>;
    };
    expect(record.private).toBeUndefined();
    expect(record.version).toBe(packageJson.version);
    expect(Object.keys(record.bin)).toEqual(['vedette']);
    expect(Object.keys(record.dependencies).sort()).toEqual([...EXTERNAL].sort());
    for (const version of Object.values(record.dependencies)) expect(version).toMatch(/^[\d.]+$/);
    const files = await readdir(installed, { recursive: true });
    expect(files.filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))).toEqual(
      [],
    );
  });

  it('publishes as README shows it under «Publish your model», command by command', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const [, block = ''] = /^## Publish your model\n+```sh\n(.*?)^```/ms.exec(readme) ?? [];
    const commands = block.split('\n').filter((line) => line !== '');
    expect(commands.length).toBeGreaterThanOrEqual(3);
    const ends = [];
    for (const command of commands) {
      const [, args = ''] = /^npm run vedette -- (.*)$/.exec(command) ?? [];
      const end = await vedette(...args.split(' '));
      expect(end.code, `${command}\n${end.stderr}`).toBe(0);
      ends.push(end);
    }
    expect(ends[0]!.stderr).toMatch(/variant int8: loaded in \d+ ms, ran in/);
    expect(ends[0]!.stdout).toContain('is DEPLOYABLE');
    expect(ends[1]!.stdout).toContain('io.vedette.model.coco-detector');
    expect(ends[2]!.stdout).toContain('s3:PutObject s3://my-models/');
    expect(aws.greengrass.versions.size).toBe(0);
  });

  it('says where there is no addon what that means, and publishes there without trying', async () => {
    await rm(join(installed, 'prebuilt', `linux-${process.arch}`), { recursive: true });
    const refused = await vedette('publish', 'model', MODEL, '--to', 'untried');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/ADDON_UNAVAILABLE[^]*--no-run/);
    const published = await vedette('publish', 'model', MODEL, '--to', 'untried', '--no-run');
    expect(published.code, published.stderr).toBe(0);
  });
});
