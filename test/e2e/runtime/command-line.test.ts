import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutShort } from '../../support/bad-pictures.ts';
import { RuntimeFolder, runVedette, samples } from '../../support/runtime-process.ts';

let folder: RuntimeFolder;
let good: string;
let bad: string;

const vedette = (...args: string[]) => runVedette({ arguments: args });

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  good = await folder.config({
    thing: 'line-1',
    models: {
      finder: { package: samples('models', 'coco-detector') },
      surface: { package: samples('models', 'brick-anomaly') },
    },
    cameras: {
      gate: { model: 'finder', source: { kind: 'push' } },
      belt: { model: 'surface', source: { kind: 'push' } },
    },
    rules: { crowd: { camera: 'gate', kind: 'count', label: 'person', maximum: 3 } },
  });
  bad = await folder.config(fiveMistakes());
});

afterAll(() => folder.close());

/** Each of another kind: a wrong type, a typo, a missing name, a range, and two values at odds. */
const fiveMistakes = () => ({
  models: { finder: { package: samples('models', 'coco-detector'), timeoutMs: 'soon' } },
  cameras: {
    gate: { model: 'finder', source: { kind: 'push' }, polcy: 'every' },
    dock: { model: 'finders', source: { kind: 'push' } },
  },
  rules: { scores: { camera: 'gate', kind: 'anomaly', failAt: 0.4, reviewAt: 0.6 } },
  liveView: { quality: 700 },
});
const MISTAKES = [
  'models.finder.timeoutMs',
  'cameras.gate.polcy',
  'cameras.dock.model',
  'rules.scores.reviewAt',
  'liveView.quality',
];

describe('vedette --help', () => {
  it('names every command and says what each is for', async () => {
    const { code, stdout, stderr } = await vedette('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of ['run', 'config', 'model']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b.* {2,}\\w+`, 'm'));
    }
  });

  it('of a command names its options', async () => {
    const { code, stdout } = await vedette('run', '--help');
    expect(code).toBe(0);
    for (const option of ['--config', '--port', '--data-folder', '--demo']) {
      expect(stdout).toContain(option);
    }
    const inspect = await vedette('model', 'inspect', '--help');
    expect(inspect.stdout).toContain('--json');
  });

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(
      await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'),
    ) as { version: string };
    expect(await vedette('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('an unknown command or option is invalid usage', async () => {
    const wrong = [['walk'], ['run', '--fast'], ['config'], ['config', 'check']];
    const ends = await Promise.all(wrong.map((args) => vedette(...args)));
    expect(ends.map(({ code }) => code)).toEqual(wrong.map(() => 2));
    for (const { stderr } of ends) {
      expect(stderr).not.toBe('');
      expect(stderr).not.toMatch(/^ +at /m);
    }
  });
});

describe('vedette config check', () => {
  it('finds the configuration of the demo valid', async () => {
    expect(await vedette('config', 'check', samples('demo.yaml'))).toMatchObject({ code: 0 });
  });

  it('says of a good one what is in it', async () => {
    const { code, stdout } = await vedette('config', 'check', good);
    expect(code).toBe(0);
    expect(stdout).toMatch(/valid.*2 cameras.*2 models.*1 rule$/m);
    const { stdout: json } = await vedette('config', 'check', good, '--json');
    expect(JSON.parse(json)).toEqual({ isValid: true, problems: [] });
  });

  it('lists all five mistakes of a bad one at once', async () => {
    const { code, stderr, stdout } = await vedette('config', 'check', bad);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const path of MISTAKES) expect(stderr).toContain(path);
    expect(stderr).toContain('CONFIG_INVALID');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('lists them as JSON, each with its path and what is wrong', async () => {
    const { code, stdout } = await vedette('config', 'check', bad, '--json');
    expect(code).toBe(2);
    const answer = JSON.parse(stdout) as {
      isValid: boolean;
      problems: { path: string; message: string }[];
    };
    expect(answer.isValid).toBe(false);
    expect(answer.problems.map(({ path }) => path).sort()).toEqual([...MISTAKES].sort());
    for (const { message } of answer.problems) expect(message).not.toBe('');
  });

  it('of a file that is not there or not YAML names the file', async () => {
    const notThere = await vedette('config', 'check', folder.join('nothing.yaml'));
    expect(notThere).toMatchObject({ code: 2 });
    expect(notThere.stderr).toContain(folder.join('nothing.yaml'));
    await writeFile(folder.join('broken.yaml'), 'cameras:\n  gate: [1, 2\nrules: {');
    const broken = await vedette('config', 'check', folder.join('broken.yaml'));
    expect(broken).toMatchObject({ code: 2 });
    expect(broken.stderr).toContain('broken.yaml');
    expect(broken.stderr).toMatch(/line \d/);
  });
});

describe('vedette config explain', () => {
  it('shows each value and who set it', async () => {
    const { code, stdout } = await vedette('config', 'explain', good);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^thing +"line-1" +\(deployment .*config-\d\.yaml\)/m);
    expect(stdout).toMatch(/^server\.port +8080 +\(default\)$/m);
    const { stdout: json } = await vedette('config', 'explain', good, '--json');
    const settings = JSON.parse(json) as { path: string; value: unknown; origin: string }[];
    expect(settings).toContainEqual(
      expect.objectContaining({ path: 'rules.crowd.maximum', value: 3 }),
    );
  });

  it('shows only what is asked for, and says when there is no such setting', async () => {
    const { stdout } = await vedette('config', 'explain', good, '--only', 'cameras.gate');
    const lines = stdout.trim().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => !line.startsWith('cameras.gate'))).toEqual([]);
    const none = await vedette('config', 'explain', good, '--only', 'cameras.roof');
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toContain('cameras.roof');
  });

  it('shows what the station file sets over the deployment', async () => {
    const dataFolder = folder.join('station-data');
    const config = await folder.config({ thing: 'line-1', dataFolder, liveView: { quality: 60 } });
    await mkdir(dataFolder, { recursive: true });
    await writeFile(join(dataFolder, 'station.yaml'), 'liveView: { quality: 80 }\n');
    const { stdout } = await vedette('config', 'explain', config, '--only', 'liveView');
    expect(stdout).toMatch(/^liveView\.quality +80 +\(station/m);
    await rm(dataFolder, { recursive: true });
  });
});

interface Description {
  readonly manifest?: { readonly name: string };
  readonly problem?: { readonly code: string; readonly message: string };
  readonly probe?: { readonly firstRunMs: number };
  readonly graph?: { readonly inputs: readonly { name: string }[] };
}

describe('vedette model inspect', () => {
  it.each([
    ['coco-detector', 'images', /512×512/],
    ['brick-anomaly', 'input', /256×256/],
  ])('%s: a package that runs here', async (name, input, size) => {
    const { code, stdout, stderr } = await vedette('model', 'inspect', samples('models', name));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^model +${name} 1\\.0\\.0$`, 'm'));
    expect(stdout).toMatch(size);
    expect(stdout).toMatch(/^first run +passed/m);
    const json = await vedette('model', 'inspect', samples('models', name), '--json');
    expect(json.code).toBe(0);
    const description = JSON.parse(json.stdout) as Description;
    expect(description.manifest?.name).toBe(name);
    expect(description.graph?.inputs.map((one) => one.name)).toEqual([input]);
    expect(description.probe?.firstRunMs).toBeGreaterThan(0);
    expect(description.problem).toBeUndefined();
  });

  it('another variant of a package is inspected when asked for', async () => {
    const { code, stdout } = await vedette(
      ...['model', 'inspect', samples('models', 'coco-detector'), '--variant', 'int8'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^inspected +int8$/m);
    const unknown = await vedette(
      ...['model', 'inspect', samples('models', 'coco-detector'), '--variant', 'int4'],
    );
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/int4.*fp32.*int8/);
  });

  it('a file without a manifest is described, with a manifest to begin with', async () => {
    const { code, stdout } = await vedette(
      ...['model', 'inspect', samples('models', 'brick-anomaly', 'model.onnx')],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^input +input: float32 \[/m);
    expect(stdout).toMatch(/model\.json/);
    expect(stdout).toContain('"decoder": "anomaly"');
  });

  it('a file of a family that is not decoded is described, and what would be is named', async () => {
    const file = samples('models', 'patch-features', 'model.onnx');
    const { code, stdout, stderr } = await vedette('model', 'inspect', file);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^input +\w+: float32 \[/m);
    expect(stdout).toContain('"decoder": "tensors"');
    expect(stdout).toMatch(/of no family .*pred_score.*detections/);
    const json = await vedette('model', 'inspect', file, '--json');
    expect(json.code).toBe(0);
    const description = JSON.parse(json.stdout) as Description;
    expect(description.graph?.inputs).toHaveLength(1);
    expect(description.problem).toBe(undefined);
  });

  it('a damaged model is described as far as it can be read, with the problem', async () => {
    const copy = folder.join('damaged');
    await cp(samples('models', 'brick-anomaly'), copy, { recursive: true });
    const file = join(copy, 'model.onnx');
    await writeFile(file, cutShort(await readFile(file), 0.5));
    const { code, stderr, stdout } = await vedette('model', 'inspect', copy);
    expect(code).toBe(2);
    expect(stdout).toContain('brick-anomaly');
    expect(stderr).toMatch(/^MODEL_\w+: .*model\.onnx/m);
    expect(stderr).toContain('→');
    const json = await vedette('model', 'inspect', copy, '--json');
    expect(json.code).toBe(2);
    expect((JSON.parse(json.stdout) as Description).problem?.code).toMatch(/^MODEL_/);
  });

  it('a folder that is not there is invalid input', async () => {
    const { code, stderr } = await vedette('model', 'inspect', folder.join('nothing'));
    expect(code).toBe(2);
    expect(stderr).toContain(folder.join('nothing'));
  });
});
