import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  binaryFloors,
  compareVersions,
  floorProblems,
} from '../../../scripts/package/library-floor.ts';
import { makeArtifact, unpackArtifact } from '../../support/artifact.ts';
import { BareRoot } from '../../support/bare-root.ts';
import { runOnBareRoot } from '../../support/run-on-bare-root.ts';
import { ComponentFolder } from '../../support/nucleus/component-folder.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';
import { RuntimeProcess, runVedette, samples } from '../../support/runtime-process.ts';
import { infer } from '../../support/runtime-requests.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const TIMEOUT_MS = 600_000;
const MAX_BYTES = 90_000_000;
const [platform, arch] =
  process.arch === 'x64'
    ? (['linux/amd64', 'amd64'] as const)
    : (['linux/arm64', 'arm64'] as const);

describe(`the artifact for ${platform}`, { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  let zip = '';
  let names: string[] = [];
  const unpacked = (...parts: string[]) => path.join(folder, `vedette-linux-${arch}`, ...parts);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'vedette-artifact-'));
    zip = process.env['VEDETTE_TEST_ZIP'] ?? (await makeArtifact(platform, folder));
    names = await unpackArtifact(zip, unpacked());
  }, TIMEOUT_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('runs from an empty environment, without Node or anything else, and finds people', async () => {
    const config = path.join(folder, 'config.json');
    const settings = {
      dataFolder: path.join(folder, 'data'),
      server: { port: 0 },
      models: { people: { package: samples('models/coco-detector') } },
    };
    await writeFile(config, JSON.stringify(settings));
    const runtime = await RuntimeProcess.start({
      program: [unpacked('bin/vedette')],
      arguments: ['run', '--config', config],
    });
    try {
      await runtime.ready();
      const picture = await readFile(samples('images/street/walkway-00.jpg'));
      const { detections } = await infer(runtime, 'people', new Uint8Array(picture));
      expect(detections?.filter(({ label }) => label === 'person').length).toBeGreaterThan(0);
      const page = await runtime.fetch('/');
      expect(await page.text()).toContain('<script');
    } finally {
      await runtime.stop();
    }
  });

  test.runIf(BareRoot.isPossible())(
    'runs on a system that holds nothing but a C library, libstdc++ and sh, read-only, as a user without rights',
    async () => {
      const root = BareRoot.ofHost();
      try {
        await runOnBareRoot(root, folder, arch);
      } finally {
        root.close();
      }
    },
  );

  test.each([CLASSIC, LITE])('runs as a component of nucleus $name', async (personality) => {
    const component = await ComponentFolder.create(personality, {
      server: { port: 0 },
      models: { bricks: { package: samples('models/brick-anomaly') } },
    });
    try {
      const runtime = await component.start([unpacked('bin/vedette')]);
      await expect.poll(() => component.nucleus.states).toEqual(['RUNNING']);
      await runtime.ready();
      const topics = () => component.nucleus.published.map(({ topicName }) => topicName);
      await expect.poll(topics).toContain('vedette/station-7/health');
      // As whoever logs in on the device finds it: from an empty environment.
      const status = await runVedette({
        program: [path.join(component.path, 'vedette')],
        arguments: ['status'],
      });
      expect(status.stdout).toMatch(/^Vedette \S+ on station-7, ready/);
      component.nucleus.mergeConfiguration({ liveView: { quality: 50 } });
      const inForce = 'another configuration is in force';
      await expect
        .poll(() => runtime.log.filter(({ msg }) => msg === inForce).length, { timeout: 30_000 })
        .toBe(1);
      expect(await runtime.stop()).toEqual({ code: 0, signal: null });
    } finally {
      await component.close();
    }
  });

  test('says which ffmpeg it uses: that of the media pack where one lies beside it', async () => {
    const explain = async () => {
      const only = ['config', 'explain', '--only', 'ffmpeg.path'];
      const program = [unpacked('bin/vedette')] as const;
      return (await runVedette({ program, arguments: only })).stdout.trim();
    };
    expect(await explain()).toBe('ffmpeg.path  "ffmpeg"  (default)');
    const pack = path.join(folder, `vedette-media-linux-${arch}`);
    await mkdir(path.join(pack, 'bin'), { recursive: true });
    await writeFile(path.join(pack, 'bin/ffmpeg'), '');
    try {
      const used = JSON.stringify(path.join(pack, 'bin/ffmpeg'));
      expect(await explain()).toBe(`ffmpeg.path  ${used}  (media pack)`);
    } finally {
      await rm(pack, { recursive: true });
    }
  });

  // Packing once more takes half a minute.
  test.runIf(isDeep)(
    'is the same to the bit when made again, elsewhere and in another time zone',
    async () => {
      const zone = process.env['TZ'];
      process.env['TZ'] = 'Pacific/Auckland';
      try {
        const again = await makeArtifact(platform, path.join(folder, 'again'));
        expect(await sha256(again)).toBe(await sha256(zip));
      } finally {
        if (zone === undefined) delete process.env['TZ'];
        else process.env['TZ'] = zone;
      }
    },
  );

  test('fits its budget and holds no other platform, no declarations and no sources', async () => {
    expect((await stat(zip)).size).toBeLessThan(MAX_BYTES);
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    const foreign = new RegExp(`\\b(win32|darwin|musl|linux-${other}|linux/${other})\\b`);
    expect(names.filter((name) => foreign.test(name))).toEqual([]);
    expect(names).toContain('dda/model_convertor.py');
    expect(names.filter((name) => /\.(ts|map|cc|h)$|\/\./.test(name))).toEqual([]);
  });

  test('asks every system for no more than glibc 2.31 and its own libraries', async () => {
    const floors = await binaryFloors(unpacked());
    expect(floors.map(({ file }) => path.basename(file))).toEqual(
      expect.arrayContaining(['node', 'vedette.node', 'better_sqlite3.node']),
    );
    expect(floorProblems(floors)).toEqual([]);
    for (const { file, needs } of floors.filter(({ file }) => /vedette|sqlite/.test(file))) {
      expect(needs.GLIBCXX, file).toBeUndefined();
    }
  });

  test('names every package inside it in its SBOM and gives its licence', async () => {
    const text = await readFile(unpacked('sbom.cdx.json'), 'utf8');
    const validator = new Validation.JsonStrictValidator(Spec.Spec1dot6.version);
    expect(await validator.validate(text)).toBeNull();
    const { components } = JSON.parse(text) as { components: { name: string; version: string }[] };
    const listed = new Set(components.map(({ name }) => name));
    const shipped = await packagesBelow(unpacked('node_modules'));
    expect(shipped.filter((name) => !listed.has(name))).toEqual([]);
    for (const name of ['fastify', 'zod', 'react', '@smithy/core', 'libjpeg-turbo']) {
      expect(listed, name).toContain(name);
    }
    const notices = await readFile(unpacked('THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const { name, version } of components) {
      expect(notices).toContain(`==== ${name} ${version} (`);
    }
  });
});

describe('the check of binaries', () => {
  const binary = { file: 'lib/a.node', libraries: ['libc.so.6'], needs: { GLIBC: '2.31' } };

  test('refuses a symbol that the oldest system does not have', () => {
    const late = { ...binary, needs: { GLIBC: '2.34', GLIBCXX: '3.4.29' } };
    expect(floorProblems([binary])).toEqual([]);
    expect(floorProblems([late])).toEqual([
      'lib/a.node needs GLIBC 2.34; at most 2.31',
      'lib/a.node needs GLIBCXX 3.4.29; at most 3.4.28',
    ]);
  });

  test('refuses a library that neither the system nor the artifact has', () => {
    const wants = { ...binary, libraries: ['libjpeg.so.62'] };
    expect(floorProblems([wants])).toEqual([
      'lib/a.node needs libjpeg.so.62, which neither the artifact nor every system has',
    ]);
    const brought = { file: 'lib/libjpeg.so.62', libraries: [], needs: {} };
    expect(floorProblems([wants, brought])).toEqual([]);
  });

  test('compares versions by their numbers', () => {
    expect(compareVersions('2.9', '2.31')).toBeLessThan(0);
    expect(compareVersions('3.4.21', '3.4')).toBeGreaterThan(0);
  });
});

const sha256 = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

async function packagesBelow(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith('@')) names.push(name);
    else names.push(...(await readdir(path.join(folder, name))).map((one) => `${name}/${one}`));
  }
  return names;
}
