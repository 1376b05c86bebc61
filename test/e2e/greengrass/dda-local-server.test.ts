import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalServerFolder, LOCAL_SERVER } from '../../support/dda-component.ts';
import { DdaPackages, graphOf, type DdaPackage } from '../../support/dda-packages.ts';
import { brightnessModel } from '../../support/model-packages.ts';
import { ComponentFolder } from '../../support/nucleus/component-folder.ts';
import { CLASSIC } from '../../support/nucleus/personality.ts';
import { runVedette, type RuntimeProcess } from '../../support/runtime-process.ts';
import { modelUntil } from '../../support/runtime-requests.ts';

const TIMEOUT_MS = 90_000;
const graph = graphOf('unsupervised_svdd', { threshold: 0.55, normalize: true });
const onnx: DdaPackage = {
  stageType: 'unsupervised_svdd',
  manifest: { runtime: 'onnx', model_graph: graph },
  model: brightnessModel([{ operator: 'Sigmoid', inputs: ['mean'], outputs: ['pred_score'] }]),
};
/** As DDA's notebook writes it: three keys, none of them `runtime`. */
const neo: DdaPackage = {
  ...onnx,
  manifest: {
    model_graph: graph,
    compilable_models: [
      { filename: 'm.pt', data_input_config: { input: [1, 3, 8, 8] }, framework: 'PYTORCH' },
    ],
    dataset: { image_width: 8, image_height: 8 },
  },
};

describe('the runtime in the place of DDA’s LocalServer', { timeout: TIMEOUT_MS }, () => {
  let component: ComponentFolder;
  let server: LocalServerFolder;
  let packages: DdaPackages;
  let runtime: RuntimeProcess;
  const unpack = async (name: string, dda: DdaPackage) => {
    const to = path.join(component.rootPath, 'unpacked', name);
    await rename(await packages.folder(dda), to);
    return name;
  };
  const surface = {
    name: 'model-surface',
    version: '3.0.0',
    unpacked: 'aa_greengrass_model_component',
  };

  beforeAll(async () => {
    component = await ComponentFolder.create(CLASSIC, {
      server: { port: 0 },
      models: { surface: { package: 'model-surface-x86-64-cpu@3.0.0' } },
    });
    packages = await DdaPackages.create();
    server = new LocalServerFolder(component);
    await server.prepare();
    await mkdir(path.join(component.rootPath, 'unpacked'));
    await unpack(surface.unpacked, onnx);
    runtime = await component.start();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await packages.close();
    await component.close();
  });

  test('places the programs under the names that model components call, the sign for them last', async () => {
    expect(await server.install()).toMatchObject({ code: 0 });
    expect((await readdir(server.ddaFolder)).sort()).toEqual([
      'convert_model_cleanup.py',
      'model_convertor.py',
      'resources_for_copy',
      'vedette-spool',
    ]);
    const spool = await readFile(path.join(server.ddaFolder, 'vedette-spool'), 'utf8');
    expect(spool.trim()).toBe(path.join(component.rootPath, 'work', LOCAL_SERVER, 'spool'));
    // As after an update of the component.
    expect(await server.install()).toMatchObject({ code: 0 });
  });

  test.each(['2025', '2026'] as const)('has a model component of %s as it is', async (release) => {
    const { code, lines } = await server.modelStep('Startup', { ...surface, release });
    expect(lines.at(-1)).toContain(
      'is installed. Use it with models.<name>.package: model-surface-x86-64-cpu@3.0.0',
    );
    expect(code).toBe(0);
    await modelUntil(runtime, 'surface', ({ state }) => state === 'ready');
  });

  test('refuses a model of SageMaker Neo, with the reason and the way out on the last line', async () => {
    const unpacked = await unpack('bb_greengrass_model_component', neo);
    const model = { name: 'model-compiled', version: '1.0.0', unpacked };
    const { code, lines } = await server.modelStep('Startup', model);
    expect(code).toBe(1);
    expect(lines.at(-1)).toMatch(/MODEL_RUNTIME_UNSUPPORTED: .*(dlr|Neo).*ONNX/i);
  });

  test('says what is missing when the zip holds no package, or a version is none', async () => {
    const model = { name: 'model-empty', version: '1.0.0', unpacked: 'nothing' };
    expect(await server.modelStep('Startup', model)).toMatchObject({
      code: 1,
      lines: [expect.stringMatching(/holds no manifest\.json: it is no DDA package$/)],
    });
    const { lines } = await server.modelStep('Startup', { ...surface, version: '1.0.0-rc1' });
    expect(lines.at(-1)).toContain('--model_version is 1.0.0-rc1, expected such as 3.0.0');
  });

  test('keeps a model that its component stops, and lets it go with the component', async () => {
    const stopped = await server.modelStep('Shutdown', surface);
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.lines.at(-1)).toContain('its model stays until the component is removed');
    const list = async () => {
      const dataFolder = path.join(component.path, 'data');
      const args = ['model', 'list', '--json', '--data-folder', dataFolder];
      const { stdout } = await runVedette({ arguments: args });
      return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    };
    expect(await list()).toEqual(['model-surface-x86-64-cpu']);
    component.nucleus.resetConfiguration('models');
    await expect.poll(async () => (await runtime.fetch('/api/v1/models/surface')).status).toBe(404);
    await runtime.stop();
    await rm(path.join(component.rootPath, 'unpacked', surface.unpacked), { recursive: true });
    runtime = await component.start();
    await expect.poll(list, { timeout: 20_000 }).toEqual([]);
  });

  test('takes a request back that nobody answered, and says what to look at', async () => {
    await runtime.stop();
    const unpacked = await unpack('cc_greengrass_model_component', onnx);
    const { code, lines } = await server.modelStep('Startup', { ...surface, unpacked }, 1);
    expect(code).toBe(1);
    expect(lines.at(-1)).toContain(
      'within 1 s the runtime gave no answer: its log says what it does',
    );
    expect(await readdir(path.join(component.path, 'spool/requests'))).toEqual([]);
  });
});
