import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { arm64Target, emulated } from '../../../native/arm64-target.mjs';
import { emulatesArm64 } from '../../../scripts/setup/arm64-target.mjs';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../../..');
const isDeep = process.env['VEDETTE_DEEP'] === '1';
const cases = isDeep ? 5_000 : 60;
const pictures = path.join(root, isDeep ? 'samples/images' : 'samples/images/text');
const options = { maxBuffer: 1 << 28 };
const RAW = 'test/contract/native/kernel-outputs.ts';
const JPEG = 'test/contract/native/jpeg-outputs.ts';
const TIMEOUT_MS = 900_000;

const kernelOf = (kernel: string) => ({
  ...options,
  env: { ...process.env, VEDETTE_KERNEL: kernel },
});
const linesOf = ({ stdout }: { stdout: string }) => stdout.trim().split('\n');

/** What a script prints with this machine's own addon under the scalar kernels. */
async function here(script: string, argument: string): Promise<string[]> {
  const { stdout } = await run(
    process.execPath,
    [path.join(root, script), argument],
    kernelOf('scalar'),
  );
  return linesOf({ stdout });
}

describe.skipIf(!emulatesArm64())('the addon for 64-bit Arm in an emulated Node for it', () => {
  let folder = '';
  const there = async (script: string, argument: string, kernel: string) =>
    run(
      ...emulated(arm64Target.nodeProgram, [path.join(folder, script), argument]),
      kernelOf(kernel),
    );

  beforeAll(async () => {
    // A tree of its own: the addon is always loaded from the same place.
    folder = await mkdtemp(path.join(os.tmpdir(), 'vedette-arm64-'));
    for (const part of ['native', 'component/contract', 'test/contract/native', 'package.json']) {
      await cp(path.join(root, part), path.join(folder, part), {
        recursive: true,
        filter: (source) => !source.includes(path.join('native', 'build')),
      });
    }
    await cp(path.dirname(arm64Target.addon), path.join(folder, 'build/Release'), {
      recursive: true,
    });
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test(
    `gives the bytes that x86-64 gives, scalar and NEON (golden pictures, ${cases} random tensors)`,
    async () => {
      const right = await here(RAW, String(cases));
      expect(right.length).toBeGreaterThan(cases);
      // Unless told which, it takes the NEON ones.
      for (const [kernel, name] of Object.entries({ scalar: 'scalar', '': 'neon' })) {
        const lines = linesOf(await there(RAW, String(cases), kernel));
        expect(lines[0]).toBe(name);
        expect(lines.slice(1)).toEqual(right.slice(1));
      }
    },
    TIMEOUT_MS,
  );

  test(
    'decodes and encodes JPEGs to the bytes that x86-64 gives, scalar and NEON',
    async () => {
      const right = await here(JPEG, pictures);
      expect(right.length).toBeGreaterThan(4);
      for (const kernel of ['scalar', 'neon']) {
        expect(linesOf(await there(JPEG, pictures, kernel))).toEqual(right);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'refuses kernels of other processors and names its own',
    async () => {
      await expect(there(RAW, '0', 'avx2')).rejects.toThrow(
        /this processor runs the kernels scalar, neon; VEDETTE_KERNEL asks for "avx2"/,
      );
    },
    TIMEOUT_MS,
  );
});
