import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { PROGRAM, runVedette, samples } from '../../support/runtime-process.ts';

const root = join(import.meta.dirname, '../../..');
const model = samples('models', 'brick-anomaly');

/** What is left in the home folder of a process that has an environment as on a device. */
async function leftInHome(run: (environment: Record<string, string>) => Promise<unknown>) {
  const home = await mkdtemp(join(tmpdir(), 'vedette-home-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  await run({ PATH: process.env['PATH']!, HOME: home });
  const files = await readdir(home, { recursive: true });
  return files.filter((file) => file.startsWith('.cache/Microsoft'));
}

const runScript = (script: string) => (environment: Record<string, string>) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    env: environment,
  });
const openModel = `await runtime.InferenceSession.create(${JSON.stringify(join(model, 'model.onnx'))});`;

test('ONNX Runtime as it comes keeps a device id to report with: what this file guards against', async () => {
  const script = `import * as runtime from 'onnxruntime-node'; ${openModel}`;
  const files = await leftInHome(runScript(script));
  expect(files).toContain('.cache/Microsoft/DeveloperTools/.onnxruntime/deviceid');
});

test('ONNX Runtime as the probe loads it does not', async () => {
  const loader = './component/inference/execution/load-runtime.ts';
  const script = `import { loadRuntime } from '${loader}'; const runtime = await loadRuntime(); ${openModel}`;
  expect(await leftInHome(runScript(script))).toEqual([]);
});

test('nor in the workers of a model', async () => {
  const predict = ['model', 'predict', model, samples('images', 'brick'), '--json'];
  const files = await leftInHome(async (environment) => {
    const { code, stdout } = await runVedette({
      arguments: predict,
      program: PROGRAM,
      environment,
    });
    expect(code).toBe(0);
    expect(stdout).toContain('"anomaly"');
  });
  expect(files).toEqual([]);
});
