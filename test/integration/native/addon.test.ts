import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { arm64Target } from '../../../native/arm64-target.mjs';
import { emulatesArm64 } from '../../../scripts/setup/arm64-target.mjs';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../../..');

/** Runs a script beside the product's sources; resolves with what it printed. */
async function runScript(script: string, folder = root): Promise<string> {
  const module = path.join(folder, 'native/index.ts');
  const text = `import * as native from ${JSON.stringify(module)};${script}`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', text]);
  return stdout.trim();
}

const report = (action: string) =>
  `try { ${action}; console.log('done'); } catch (error) { console.log(error.code, error.message); }`;

test('a process keeps to the memory limit it set itself, and a picture beyond it is refused', async () => {
  const output = await runScript(`
    native.limitDataMemory(2e9);
    const image = { data: new Uint8Array(3), width: 1, height: 1, format: 'rgb24' };
    ${report('native.FrameRing.create({ slots: 3, slotBytes: 800e6 })')}
    ${report('native.encodeJpeg(image, 80)')}`);
  const [refused, accepted] = output.split('\n');
  expect(refused).toMatch(/^IMAGE_TOO_LARGE .*bytes of memory/);
  expect(accepted).toBe('done');
});

test('without its file the addon is unavailable, by name and cause, and only when it is used', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'vedette-addon-'));
  try {
    for (const part of ['native', 'component/contract', 'package.json']) {
      await cp(path.join(root, part), path.join(folder, part), {
        recursive: true,
        filter: (source) => !source.includes(path.join('native', 'build')),
      });
    }
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    const output = await runScript(report('native.inspectImage(new Uint8Array(9))'), folder);
    expect(output).toMatch(
      /^ADDON_UNAVAILABLE .*build\/Release\/vedette\.node could not be loaded/,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const addons = [path.join(root, 'build/Release/vedette.node')];
if (emulatesArm64()) addons.push(arm64Target.addon);

test.each(addons)(
  '%s asks for no newer libraries than the oldest supported system has',
  async (file) => {
    const { stdout } = await run('readelf', ['--version-info', '--wide', file]);
    const ascending = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });
    for (const [library, limit] of [
      ['GLIBC', '2.34'],
      ['GLIBCXX', '3.4.29'],
    ] as const) {
      const matches = stdout.matchAll(new RegExp(`Name: ${library}_([0-9.]+) `, 'g'));
      const versions = [...matches].map((match) => match[1] as string).sort(ascending);
      expect(versions).not.toEqual([]);
      expect([...versions, limit].sort(ascending).at(-1), library).toBe(limit);
    }
  },
);

test.each(addons)(
  '%s looks for libjpeg beside itself first, where a package puts it',
  async (file) => {
    const { stdout } = await run('readelf', ['--dynamic', '--wide', file]);
    expect(stdout).toMatch(/\(RUNPATH\).*\[\$ORIGIN\]/);
    expect(stdout).toMatch(/\(NEEDED\).*\[libjpeg\.so\.\d+\]/);
  },
);

test('the addon serves many threads at once', async () => {
  const output = await runScript(`
    const { Worker } = await import('node:worker_threads');
    const code = \`
      import { workerData } from 'node:worker_threads';
      const native = await import(workerData);
      const data = new Uint8Array(96 * 64 * 3).map((_, i) => i);
      const jpeg = native.encodeJpeg({ data, width: 96, height: 64, format: 'rgb24' }, 90);
      const spec = { width: 40, height: 40, layout: 'nchw', dtype: 'float32', colourOrder: 'rgb',
        resize: 'letterbox', interpolation: 'area', scale: 1, mean: [0, 0, 0], std: [1, 1, 1],
        padValue: 0 };
      const out = new Float32Array(4800);
      for (let i = 0; i < 300; i++) {
        native.jpegToTensor(jpeg, { rotation: 0, flip: 'none' }, spec, out, 1e6);
      }\`;
    const module = ${JSON.stringify(path.join(root, 'native/index.ts'))};
    const codes = await Promise.all(Array.from({ length: 6 }, () => new Promise((resolve) =>
      new Worker(code, { eval: true, workerData: module }).on('error', resolve).on('exit', resolve))));
    console.log(codes.join(' '));`);
  expect(output).toBe('0 0 0 0 0 0');
});

test('the addon stays when the last thread that loaded it has ended, with what its threads share', async () => {
  const output = await runScript(`
    const { Worker } = await import('node:worker_threads');
    const code = \`
      import { parentPort, workerData } from 'node:worker_threads';
      const { PooledBuffer, bufferPoolStatistics } = await import(workerData);
      PooledBuffer.acquire(1e6).release();
      const { acquired, reused, idle } = bufferPoolStatistics();
      parentPort.postMessage([acquired, reused, idle].join(' '));\`;
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(code, { eval: true, workerData: ${JSON.stringify(path.join(root, 'native/index.ts'))} });
      worker.on('message', (text) => console.log(text));
      await new Promise((resolve) => worker.on('exit', resolve));
    }`);
  expect(output.split('\n')).toEqual(['1 0 1', '2 1 1', '3 2 1']);
});
