import { spawn } from 'node:child_process';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { PACKAGE_ARCHIVE_LIMITS } from '../../../component/contract/package-archive-limits.ts';
import { parseModelReference } from '../../../component/contract/model-manifest.ts';
import type { ExecutionProvider } from '../../../component/contract/model-manifest.ts';
import { damagedLines } from '../../../component/commands/render-installed.ts';
import { chooseVariant } from '../../../component/inference/model-store/choose-variant.ts';
import { installModel } from '../../../component/inference/model-store/install-model.ts';
import { locatePackage } from '../../../component/inference/model-store/locate-package.ts';
import { ModelStore } from '../../../component/inference/model-store/model-store.ts';
import { PackageLocation } from '../../../component/inference/model-store/package-location.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { buildTar, buildZip } from '../../support/archive-builder.ts';
import { DdaPackages, graphOf } from '../../support/dda-packages.ts';
import {
  ModelPackages,
  alwaysNan,
  brightnessModel,
  unknownOperator,
} from '../../support/model-packages.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { mountSmall, unmount } from '../../support/small-disk.ts';

const KILLS = process.env['VEDETTE_DEEP'] === '1' ? 200 : 8;
const probe = { memoryMegabytes: 512, timeoutMs: 30_000, threads: 1, maxImagePixels: 1e6 };
const facts = {
  name: 'parts',
  version: '1.0.0',
  variant: 'fp32',
  variantReason: 'the only one of the package',
  measurements: [{ variant: 'fp32', medianRunMs: 1 }],
  measuredOn: { processor: 'test', runtimeVersion: 'test' },
};

let root: string;
let packages: ModelPackages;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vedette-store-'));
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
  await rm(root, { recursive: true, force: true });
});

function newStore(): { store: ModelStore; dataFolder: string } {
  count += 1;
  const dataFolder = join(root, `data-${count}`);
  return { store: new ModelStore(dataFolder), dataFolder };
}

/** A package of a small graph, labels that several versions share, and a file of its own. */
const partsPackage = (own: string): Promise<string> =>
  packages.add(
    brightnessModel(),
    { name: 'parts' },
    { 'labels.txt': 'bolt\nnut\n', 'own.txt': own },
  );

async function addVersion(store: ModelStore, source: string, version: string) {
  return store.commit(await store.stage(source), { ...facts, version });
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing thrown',
    (error: VedetteError) => `${error.code}: ${error.message}`,
  );

const blobsOf = (dataFolder: string) => readdir(join(dataFolder, 'models/blobs'));
const stagingOf = (dataFolder: string) => readdir(join(dataFolder, 'models/staging'));

describe('the store of installed models', () => {
  test('keeps files that versions share once, and takes away what nothing uses', async () => {
    const { store, dataFolder } = newStore();
    await addVersion(store, await partsPackage('a'), '1.0.0');
    const one = (await blobsOf(dataFolder)).length;
    await addVersion(store, await partsPackage('b'), '2.0.0');
    expect((await blobsOf(dataFolder)).length).toBe(one + 1);
    const [first, second] = (await store.list()).models;
    const inode = async (folder: string) => (await stat(join(folder, 'model.onnx'))).ino;
    expect(await inode(first!.folder)).toBe(await inode(second!.folder));
    await store.remove({ name: 'parts', version: '1.0.0' });
    expect((await blobsOf(dataFolder)).length).toBe(one);
    await store.verify(second!);
    await store.remove({ name: 'parts', version: '2.0.0' });
    expect(await blobsOf(dataFolder)).toEqual([]);
    expect(await stagingOf(dataFolder)).toEqual([]);
  });

  test('refuses another content under an installed version, and takes the same one', async () => {
    const { store, dataFolder } = newStore();
    const source = await partsPackage('a');
    expect((await addVersion(store, source, '1.0.0')).isNew).toBe(true);
    expect((await addVersion(store, source, '1.0.0')).isNew).toBe(false);
    expect(await codeOf(addVersion(store, await partsPackage('b'), '1.0.0'))).toMatch(
      /^MODEL_VERSION_EXISTS: parts@1\.0\.0 is installed already, with other files/,
    );
    const [model, ...others] = (await store.list()).models;
    expect(others).toEqual([]);
    expect(await readFile(join(model!.folder, 'own.txt'), 'utf8')).toBe('a');
    expect(await stagingOf(dataFolder)).toEqual([]);
    expect((await blobsOf(dataFolder)).length).toBe(model!.files.length);
  });

  test('versions installed at once by several callers are each there as a whole', async () => {
    const { store } = newStore();
    const [same, ...sources] = await Promise.all(['s', 'a', 'b', 'c'].map(partsPackage));
    const answers = await Promise.all([
      ...[1, 2, 3, 4].map(() => addVersion(store, same!, '9.0.0')),
      ...sources.map((source, index) => addVersion(store, source, `1.0.${index}`)),
    ]);
    expect(answers.slice(0, 4).filter(({ isNew }) => isNew)).toHaveLength(1);
    const { models } = await store.list();
    expect(models.map(({ version }) => version)).toEqual(['1.0.0', '1.0.1', '1.0.2', '9.0.0']);
    for (const model of models) await store.verify(model);
  });

  test('a damaged file is named, and installing the same package again mends it', async () => {
    const { store } = newStore();
    const source = await partsPackage('a');
    const { model } = await addVersion(store, source, '1.0.0');
    const file = join(model.folder, 'model.onnx');
    const bytes = await readFile(file);
    await chmod(file, 0o644);
    await writeFile(file, bytes.fill(0, 10, 20));
    expect(await codeOf(locatePackage('parts@1.0.0', store))).toMatch(
      /^MODEL_STORE_CORRUPT: parts@1\.0\.0: 'model\.onnx' is not what was installed/,
    );
    await addVersion(store, source, '1.0.0');
    await store.verify(await store.find({ name: 'parts', version: '1.0.0' }));
    await rm(join(model.folder, 'labels.txt'));
    expect(await codeOf(store.verify(model))).toMatch(/'labels\.txt' is not what/);
    await writeFile(join(model.folder, '../installed.json'), '{');
    expect(await codeOf(locatePackage('parts@1.0.0', store))).toMatch(/^MODEL_STORE_CORRUPT/);
  });

  test('a kept content that is damaged is replaced, and nothing else gets into the version', async () => {
    const { store, dataFolder } = newStore();
    const source = await partsPackage('a');
    // As long as a name can be.
    await writeFile(join(source, 'x'.repeat(255)), 'kept');
    const first = await addVersion(store, source, '1.0.0');
    const file = join(first.model.folder, 'model.onnx');
    const bytes = await readFile(file);
    await chmod(file, 0o644);
    await writeFile(file, bytes.fill(0, 10, 20));
    const { model } = await addVersion(store, source, '2.0.0');
    await store.verify(model);
    const there = await readdir(model.folder);
    expect(there.sort()).toEqual(model.files.map(({ path }) => path).sort());
    const blobs = await blobsOf(dataFolder);
    expect(blobs.sort()).toEqual(model.files.map(({ sha256 }) => sha256).sort());
  });

  test('a file that cannot be read is not taken for a damaged one', async () => {
    const { store } = newStore();
    const source = await partsPackage('a');
    const { model } = await addVersion(store, source, '1.0.0');
    const file = join(model.folder, 'model.onnx');
    await rm(file);
    // Its first byte is nowhere: reading it is an EIO.
    await symlink('/proc/self/mem', file);
    const unreadable = /^MODEL_STORE_UNAVAILABLE: parts@1\.0\.0: 'model\.onnx' could not be read/;
    expect(await codeOf(store.verify(model))).toMatch(unreadable);
    expect(await codeOf(addVersion(store, source, '1.0.0'))).toMatch(unreadable);
    expect(await readlink(file)).toBe('/proc/self/mem');
    const document = join(model.folder, '../installed.json');
    await rm(document);
    await symlink('/proc/self/mem', document);
    expect(await codeOf(store.find(model))).toMatch(/^MODEL_STORE_UNAVAILABLE: .*installed\.json/);
  });

  test('a version without its document is listed as damaged, and can be mended or removed', async () => {
    const { store } = newStore();
    const source = await partsPackage('a');
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await addVersion(store, source, version);
    const [first, second] = (await store.list()).models;
    await rm(join(first!.folder, '../installed.json'));
    await writeFile(join(second!.folder, '../installed.json'), '{}');
    const { models, damaged } = await store.list();
    expect(models.map(({ version }) => version)).toEqual(['3.0.0']);
    expect(damaged).toEqual(
      ['1.0.0', '2.0.0'].map((version) => ({
        name: 'parts',
        version,
        problem: expect.objectContaining({
          code: 'MODEL_STORE_CORRUPT',
          remedy: expect.stringContaining('install the same package again'),
        }) as unknown,
      })),
    );
    expect(damagedLines(damaged[0]!)).toMatch(
      /^parts@1\.0\.0 {2}damaged: .*\n.*install the same.*\n.*vedette model remove parts@1\.0\.0/,
    );
    expect(await codeOf(store.find(first!))).toMatch(/^MODEL_STORE_CORRUPT/);
    await store.remove(first!);
    expect((await addVersion(store, source, '2.0.0')).isNew).toBe(true);
    expect(await store.list()).toMatchObject({ damaged: [], models: [{}, {}] });
  });

  test('of an archive with a folder in it only the package is installed', async () => {
    const { store } = newStore();
    const archive = join(root, 'folded.zip');
    const data = Buffer.from('{}');
    await writeFile(archive, buildZip([{ name: 'parts/model.json', data }]));
    const { model } = await addVersion(store, archive, '1.0.0');
    expect((await readdir(join(model.folder, '..'))).sort()).toEqual(['installed.json', 'package']);
  });

  test('names what is installed when something else is asked for', async () => {
    const { store } = newStore();
    expect(await codeOf(locatePackage('parts@1.0.0', store))).toMatch(
      /^MODEL_NOT_INSTALLED: parts@1\.0\.0 is not installed; nothing is/,
    );
    await addVersion(store, await partsPackage('a'), '1.0.0');
    expect(await codeOf(store.remove({ name: 'parts', version: '3.0.0' }))).toMatch(
      /installed are parts@1\.0\.0/,
    );
  });

  test('refuses links that lead out, and things that are no package', async () => {
    const { store, dataFolder } = newStore();
    const source = await partsPackage('a');
    await symlink('/etc/passwd', join(source, 'link'));
    expect(await codeOf(store.stage(source))).toMatch(/^MODEL_PACKAGE_INVALID.*leads out/);
    expect(await codeOf(store.stage('/nowhere'))).toMatch(/^NOT_FOUND/);
    expect(await codeOf(store.stage(join(source, 'own.txt')))).toMatch(/^MODEL_ARCHIVE_INVALID/);
    expect(await stagingOf(dataFolder)).toEqual([]);
  });

  test('a path that is no package is refused before anything of it is read', async () => {
    const { store } = newStore();
    const staged = (source: string) => codeOf(store.stage(source));
    expect(await staged('/')).toMatch(/^MODEL_PACKAGE_INVALID.*model\.json does not exist/);
    expect(await staged('/dev/zero')).toMatch(/^MODEL_ARCHIVE_INVALID.*no regular file/);
    const pipe = join(root, 'pipe');
    await new Promise((resolve) => spawn('mkfifo', [pipe]).once('exit', resolve));
    expect(await staged(pipe)).toMatch(/^MODEL_ARCHIVE_INVALID.*no regular file/);
    const within = await partsPackage('a');
    await rename(pipe, join(within, 'pipe'));
    expect(await staged(within)).toMatch(/^MODEL_PACKAGE_INVALID.*'pipe' is not a file/);
  });

  test('a folder that is too deep, has too much in it, or is no longer wanted is not copied', async () => {
    const { store } = newStore();
    const { maxDepth, maxFiles } = PACKAGE_ARCHIVE_LIMITS;
    const deep = await partsPackage('a');
    await mkdir(join(deep, ...Array.from({ length: maxDepth }, () => 'd'), 'e'), {
      recursive: true,
    });
    expect(await codeOf(store.stage(deep))).toMatch(
      /^MODEL_ARCHIVE_TOO_LARGE.*8 names in a path, such as d\/d\//,
    );
    const full = await partsPackage('a');
    for (let index = 0; index < maxFiles; index += 1) await mkdir(join(full, `${index}`));
    expect(await codeOf(store.stage(full))).toMatch(/^MODEL_ARCHIVE_TOO_LARGE.*4096 files and/);
    const stop = AbortSignal.abort(new VedetteError('SHUTTING_DOWN', 'enough'));
    expect(await codeOf(store.stage(await partsPackage('a'), stop))).toMatch(/^SHUTTING_DOWN/);
  });

  test('tells a reference from a path', () => {
    expect(parseModelReference('a-b@1.2.3-rc.1')).toEqual({ name: 'a-b', version: '1.2.3-rc.1' });
    for (const text of ['models/a@1.0.0', './a@1.0.0', 'a@1', 'a', '@1.0.0', 'a@../../x', '']) {
      expect(parseModelReference(text), text).toBeUndefined();
    }
  });
});

describe('a killed installation', () => {
  test(`leaves whole versions or none, ${KILLS} times`, async () => {
    const { store, dataFolder } = newStore();
    const source = await partsPackage('k');
    await writeFile(join(source, 'weights.bin'), Buffer.alloc(3_000_000, 7));
    const promised = new Set<string>();
    let next = 1;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = spawn(
        process.execPath,
        [
          join(import.meta.dirname, '../../support/install-until-killed.ts'),
          dataFolder,
          source,
          String(next),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let output = '';
      const begun = new Promise((resolve) => child.stdout.once('data', resolve));
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      const closed = new Promise((resolve) => child.once('close', resolve));
      await begun;
      await pause(Math.random() * 60);
      child.kill('SIGKILL');
      await closed;
      for (const line of output.split('\n').slice(0, -1)) {
        if (line.startsWith('-')) promised.delete(line.slice(1));
        else promised.add(line);
      }
      await store.cleanUp();
      expect(await stagingOf(dataFolder)).toEqual([]);
      const { models, damaged } = await store.list();
      expect(damaged).toEqual([]);
      for (const model of models) await store.verify(model);
      const there = models.map(({ version }) => version);
      // A third is removed again by the child: that may have happened without being told.
      for (const version of promised) {
        if (Number(version.split('.')[2]) % 3 !== 0) expect(there).toContain(version);
      }
      for (const blob of await blobsOf(dataFolder)) {
        expect((await stat(join(dataFolder, 'models/blobs', blob))).nlink).toBeGreaterThan(1);
      }
      next = Math.max(next, ...there.map((version) => Number(version.split('.')[2]))) + 1;
    }
    expect(promised.size).toBeGreaterThanOrEqual(KILLS / 3);
  });
});

describe('where the package of a model lies', () => {
  const archiveOf = (text: string) =>
    buildTar([
      { name: 'model.json', data: Buffer.from('{}') },
      { name: 'labels.txt', data: Buffer.from(text) },
    ]);

  test('an archive is unpacked again only when it changed', async () => {
    const { store, dataFolder } = newStore();
    const archive = join(root, 'retried.tar');
    const location = new PackageLocation(archive, store);
    const { signal } = new AbortController();
    await writeFile(archive, archiveOf('bolt'));
    const first = await location.locate(await location.signature(), signal);
    const again = await location.locate(await location.signature(), signal);
    expect(again.folder).toBe(first.folder);
    await writeFile(archive, archiveOf('nut'.repeat(1000)));
    const changed = await location.locate(await location.signature(), signal);
    expect(await readFile(join(changed.folder, 'labels.txt'), 'utf8')).toMatch(/^nut/);
    expect(await stagingOf(dataFolder)).toHaveLength(1);
    await location.release();
    expect(await stagingOf(dataFolder)).toEqual([]);
  });

  test('nothing stays unpacked when the model is closed meanwhile', async () => {
    const { store, dataFolder } = newStore();
    const archive = join(root, 'closed.zip');
    await writeFile(archive, buildZip([{ name: 'model.json', data: Buffer.from('{}') }]));
    const staging = join(dataFolder, 'models/staging');
    for (let round = 0; round < 10; round += 1) {
      const location = new PackageLocation(archive, store);
      const closing = new AbortController();
      const locating = location.locate('same', closing.signal).catch(() => undefined);
      // From here on unpacking no longer looks at the signal.
      for (let names: string[] = []; !names.some((name) => name.endsWith('model.json'));) {
        names = await readdir(staging, { recursive: true }).catch(() => []);
      }
      closing.abort();
      await location.release();
      await locating;
      expect(await stagingOf(dataFolder)).toEqual([]);
    }
  });
});

const small = mountSmall();
if (small !== undefined) unmount(small);

test.skipIf(small === undefined)(
  'a full disk is told, and nothing half stays (skipped where mounting a tmpfs is not permitted)',
  async () => {
    const dataFolder = mountSmall()!;
    try {
      const store = new ModelStore(dataFolder);
      await addVersion(store, await partsPackage('a'), '1.0.0');
      const large = await partsPackage('b');
      await writeFile(join(large, 'weights.bin'), Buffer.alloc(8_000_000, 1));
      expect(await codeOf(store.stage(large))).toMatch(/^STORAGE_FULL: .*no space is left/);
      expect(await stagingOf(dataFolder)).toEqual([]);
      const [model, ...others] = (await store.list()).models;
      expect(others).toEqual([]);
      await store.verify(model!);
      await addVersion(store, await partsPackage('c'), '1.0.1');
    } finally {
      unmount(dataFolder);
    }
  },
);

describe('installing a model', () => {
  const variants = (...names: string[]) =>
    names.map((name, index) => ({
      name,
      file: `${name}.onnx`,
      precision: (['fp32', 'int8', 'fp16'] as const)[index]!,
    }));

  async function twoVariants(first: Buffer, second: Buffer): Promise<string> {
    const manifest = { name: 'two', variants: variants('one', 'other') };
    return packages.add(brightnessModel(), manifest, { 'one.onnx': first, 'other.onnx': second });
  }

  test('measures each variant in the probe and keeps the choice with its reason', async () => {
    const { store } = newStore();
    const good = buildOnnx(brightnessModel());
    const source = await twoVariants(good, good);
    const { model, isNew } = await installModel(store, source, { probe });
    expect(isNew).toBe(true);
    expect(model.measurements.map(({ variant }) => variant)).toEqual(['one', 'other']);
    for (const { medianRunMs } of model.measurements) expect(medianRunMs).toBeGreaterThan(0);
    expect(model.variantReason).toMatch(/(one|other) [\d.]+ ms, (one|other) [\d.]+ ms$/);
    const located = await locatePackage('two@1.0.0', store);
    expect(located.preferred).toEqual({
      variant: model.variant,
      reason: model.variantReason,
      executionProvider: 'cpu',
    });
    expect(located.passed).toEqual(['one', 'other']);
  });

  test('a package for an accelerator alone is installed untried where it is not known what runs it', async () => {
    const { store } = newStore();
    const variant = { name: 'fast', file: 'model.onnx', executionProviders: ['cuda' as const] };
    const source = await packages.add(brightnessModel(), { name: 'fast', variants: [variant] });
    const onCpu = { ...probe, execution: { providers: [] } };
    expect(await codeOf(installModel(store, source, { probe: onCpu }))).toMatch(
      /^MODEL_PACKAGE_INVALID.*execution provider cuda/,
    );
    const providers = [{ name: 'cuda', use: 'required' } as const];
    const onCuda = { ...probe, execution: { providers } };
    expect(await codeOf(installModel(store, source, { probe: onCuda }))).toMatch(
      /^EXECUTION_PROVIDER_UNAVAILABLE/,
    );
    const { model } = await installModel(store, source, { probe });
    expect(model).toMatchObject({ variant: 'fast', variantReason: 'not tried: for cuda' });
    const located = await locatePackage('fast@1.0.0', store);
    expect(located.passed).toEqual([]);
    const read = await readPackage(located.folder, undefined, {
      ...located,
      providers: ['cuda', 'cpu'],
    });
    expect(read.variant.name).toBe('fast');
  });

  test('what was measured on the CPU does not choose for an accelerator', async () => {
    const folder = await packages.add(brightnessModel(), {
      variants: [
        { name: 'fast', file: 'model.onnx', executionProviders: ['cuda'] },
        { name: 'plain', file: 'model.onnx', precision: 'int8' },
      ],
    });
    const measured = { variant: 'plain', reason: 'measured' };
    const picked = async (...[on, ...providers]: ExecutionProvider[]) => {
      const preferred = { ...measured, executionProvider: on! };
      return (await readPackage(folder, undefined, { preferred, providers })).variant.name;
    };
    expect(await picked('cpu', 'cuda', 'cpu')).toBe('fast');
    expect(await picked('cuda', 'cuda', 'cpu')).toBe('plain');
    expect(await picked('cpu', 'cpu')).toBe('plain');
  });

  test('a variant that does not run here is noted, and the other one is taken', async () => {
    const { store } = newStore();
    const source = await twoVariants(buildOnnx(unknownOperator()), buildOnnx(brightnessModel()));
    const { model } = await installModel(store, source, { probe });
    expect(model.variant).toBe('other');
    expect(model.variantReason).toMatch(/^the only one that runs here/);
    expect(model.measurements[0]!.problem).toMatch(/MODEL_LOAD_FAILED: .*Frobnicate/);
  });

  test('a package of which nothing runs is refused with the cause, and nothing stays', async () => {
    const { store, dataFolder } = newStore();
    const source = await packages.add(alwaysNan(), { name: 'nan' });
    expect(await codeOf(installModel(store, source, { probe }))).toMatch(/^OUTPUT_INVALID/);
    expect(await store.list()).toEqual({ models: [], damaged: [] });
    expect(await stagingOf(dataFolder)).toEqual([]);
    const wrongSum = await packages.add(brightnessModel(), {
      variants: [{ name: 'fp32', file: 'model.onnx', sha256: 'a'.repeat(64) }],
    });
    expect(await codeOf(installModel(store, wrongSum, { probe }))).toMatch(
      /^MODEL_PACKAGE_INVALID.*sha256/,
    );
    const json = Buffer.from('{"name": 1}');
    const archive = join(root, 'bad.zip');
    await writeFile(archive, buildZip([{ name: 'model.json', data: json }]));
    expect(await codeOf(installModel(store, archive, { probe }))).toMatch(/^MODEL_PACKAGE_INVALID/);
    expect(await stagingOf(dataFolder)).toEqual([]);
  });

  test('gives a DDA package the name that it lacks, and no other package another one', async () => {
    const { store } = newStore();
    const dda = await DdaPackages.create();
    const zip = await dda.zip('Line 3_parts.zip', {
      stageType: 'unsupervised_svdd',
      manifest: { runtime: 'onnx', model_graph: graphOf('unsupervised_svdd') },
      model: brightnessModel(),
    });
    await installModel(store, zip, { probe });
    await installModel(store, zip, { probe, identity: { name: 'parts', version: '2.0.0' } });
    await dda.close();
    expect((await store.list()).models.map(({ name, version }) => `${name}@${version}`)).toEqual([
      'line-3-parts@1.0.0',
      'parts@2.0.0',
    ]);
    const own = await packages.add(brightnessModel(), { name: 'own' });
    expect(
      await codeOf(installModel(store, own, { probe, identity: { name: 'my', version: '1.0.0' } })),
    ).toMatch(/^REQUEST_INVALID.*own@1\.0\.0/);
  });

  test('prefers the first variant unless another is a tenth faster', () => {
    const choose = (...times: number[]) =>
      chooseVariant(times.map((medianRunMs, index) => ({ variant: `v${index}`, medianRunMs })));
    expect(choose(10, 9.1)).toEqual({
      variant: 'v0',
      reason: 'the first, and no other is 10 % faster here: v0 10.0 ms, v1 9.10 ms',
    });
    expect(choose(10, 20, 4)).toEqual({
      variant: 'v2',
      reason: 'the fastest here: v2 4.00 ms, v0 10.0 ms, v1 20.0 ms',
    });
    expect(choose(10).reason).toBe('the only one of the package');
  });

  test('what was measured on another machine does not choose on this one', async () => {
    const { store } = newStore();
    await addVersion(store, await partsPackage('a'), '1.0.0');
    expect((await locatePackage('parts@1.0.0', store)).preferred).toBeUndefined();
    const copy = join(root, 'copied');
    await mkdir(copy);
    await cp(await partsPackage('a'), copy, { recursive: true });
    expect((await locatePackage(copy, store)).folder).toBe(copy);
  });
});
