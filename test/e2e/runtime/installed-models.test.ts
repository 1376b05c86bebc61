import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstalledModel } from '../../../component/inference/model-store/installed-model.ts';
import { buildZip } from '../../support/archive-builder.ts';
import { DdaPackages, constantModel, graphOf } from '../../support/dda-packages.ts';
import { RuntimeFolder, runVedette, samples } from '../../support/runtime-process.ts';
import { infer, modelUntil } from '../../support/runtime-requests.ts';
import { brickPictures } from '../../support/sample-pictures.ts';

const [brick] = brickPictures();
const reference = 'brick-anomaly@1.0.0';

let folder: RuntimeFolder;
let dda: DdaPackages;
let data: string;
let brickZip: string;
let ddaZip: string;

const model = (...args: string[]) =>
  runVedette({ arguments: ['model', ...args, '--data-folder', data], timeoutMs: 60_000 });

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  dda = await DdaPackages.create();
  data = folder.join('data');
  const source = samples('models', 'brick-anomaly');
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  brickZip = folder.join('brick.zip');
  await writeFile(
    brickZip,
    buildZip(
      await Promise.all(
        files.map(async (entry) => {
          const path = join(entry.parentPath, entry.name);
          const name = relative(source, path);
          return { name, data: await readFile(path), isDeflated: true };
        }),
      ),
    ),
  );
  ddaZip = await dda.zip('4f2a_greengrass_model_component.zip', {
    stageType: 'yolo_object_detection',
    manifest: {
      runtime: 'onnx',
      task: 'object_detection',
      detection: { layout: 'yolo', num_classes: 1, class_names: ['cap'], network_input: 8 },
      model_graph: graphOf('yolo_object_detection'),
    },
    model: constantModel([
      {
        name: 'output0',
        shape: [1, 5, 6],
        values: [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2].concat([
          0.9, 0.1, 0.1, 0.1, 0.1, 0.1,
        ]),
      },
    ]),
  });
});

afterAll(async () => {
  await folder.close();
  await dda.close();
});

describe('vedette model install, list and remove', () => {
  it('installs a zip, lists it with the reason for its variant, and does it twice without harm', async () => {
    const { code, stdout, stderr } = await model('install', brickZip);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(reference);
    expect(stdout).toContain(`models.<name>.package: ${reference}`);
    const again = await model('install', brickZip, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ isNew: false, name: 'brick-anomaly' });
    const [installed] = JSON.parse((await model('list', '--json')).stdout) as InstalledModel[];
    expect(installed).toMatchObject({ variant: 'fp32', version: '1.0.0' });
    expect(installed!.measurements[0]!.medianRunMs).toBeGreaterThan(0);
    expect((await model('list')).stdout).toContain('runs fp32: the only one of the package');
  });

  it('installs a DDA package under a name', async () => {
    const { code, stderr } = await model('install', ddaZip, '--as', 'caps@3.0.0');
    expect(code, stderr).toBe(0);
    expect((await model('list')).stdout).toContain('caps@3.0.0');
  });

  it('says what is wrong with the code of the error', async () => {
    const bad = folder.join('bad.zip');
    await writeFile(bad, buildZip([{ name: '../model.json', data: Buffer.from('{}') }]));
    const refused = await model('install', bad);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/MODEL_ARCHIVE_INVALID.*\.\.\/model\.json/);
    expect((await model('remove', 'caps')).stderr).toMatch(/REQUEST_INVALID: 'caps' is no name@/);
    expect((await model('remove', 'caps@9.9.9')).stderr).toMatch(/MODEL_NOT_INSTALLED/);
    const config = await folder.config({
      dataFolder: data,
      models: { caps: { package: 'caps@3.0.0' } },
    });
    const used = await model('remove', 'caps@3.0.0', '--config', config);
    expect(used.code).toBe(2);
    expect(used.stderr).toMatch(/MODEL_IN_USE: caps@3\.0\.0 is configured as models\.caps/);
  });
});

describe('a runtime with installed models', () => {
  it('runs name@version, archives and folders, and says which variant and why', async () => {
    const runtime = await folder.start({
      models: {
        installed: { package: reference },
        zipped: { package: brickZip },
        caps: { package: 'caps@3.0.0' },
        'caps-zip': { package: ddaZip },
        folder: { package: samples('models', 'brick-anomaly') },
      },
    });
    await runtime.ready();
    const status = await modelUntil(runtime, 'installed', () => true);
    expect(status.variantReason).toBe('the only one of the package');
    const answers = await Promise.all(
      ['installed', 'zipped', 'folder'].map((name) => infer(runtime, name, brick!.bytes)),
    );
    expect(brick!.differences(answers[0]!)).toEqual([]);
    expect(answers[1]!.anomaly).toEqual(answers[0]!.anomaly);
    expect(answers[2]!.anomaly).toEqual(answers[0]!.anomaly);
    const { detections } = await infer(runtime, 'caps', brick!.bytes);
    expect((await infer(runtime, 'caps-zip', brick!.bytes)).detections).toEqual(detections);
    const { width, height } = answers[0]!.frame!;
    expect(detections).toEqual([
      {
        label: 'cap',
        labelIndex: 0,
        score: 0.9,
        // 3…5 of 8 input pixels: centre 4, two wide.
        box: { x: width * 0.375, y: height * 0.375, width: width / 4, height: height / 4 },
      },
    ]);
    await runtime.stop();
    const staging = await readdir(join(data, 'models/staging'));
    expect(staging).toEqual([]);
  });

  it('names a damaged file and a version that is not there, and runs the others', async () => {
    const file = join(data, 'models/installed', reference, 'package/model.onnx');
    await chmod(file, 0o644);
    const bytes = await readFile(file);
    bytes[1000]! ^= 1;
    await writeFile(file, bytes);
    const runtime = await folder.start({
      models: {
        damaged: { package: reference },
        missing: { package: 'caps@4.0.0' },
        caps: { package: 'caps@3.0.0' },
      },
    });
    const failed = (name: string) => modelUntil(runtime, name, ({ state }) => state === 'failed');
    expect((await failed('damaged')).reason).toMatchObject({
      code: 'MODEL_STORE_CORRUPT',
      message: expect.stringContaining("'model.onnx' is not what was installed"),
    });
    expect((await failed('missing')).reason).toMatchObject({
      code: 'MODEL_NOT_INSTALLED',
      message: expect.stringContaining('installed are caps@3.0.0'),
    });
    await modelUntil(runtime, 'caps', ({ state }) => state === 'ready');
    // Installed again beside the running runtime, it is taken up by itself.
    expect((await model('install', brickZip)).code).toBe(0);
    await modelUntil(runtime, 'damaged', ({ state }) => state === 'ready');
    await runtime.stop();
  });
});
