import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const cases = process.env['VEDETTE_DEEP'] === '1' ? 20_000 : 1_500;

/** What kernel-outputs.ts prints under a kernel, or why the kernel is refused. */
async function outputsUnder(kernel: string): Promise<{ lines: string[]; refusal: string }> {
  const script = path.join(import.meta.dirname, 'kernel-outputs.ts');
  const env = { ...process.env, VEDETTE_KERNEL: kernel };
  try {
    const { stdout } = await run(process.execPath, [script, String(cases)], {
      env,
      maxBuffer: 1 << 28,
    });
    return { lines: stdout.trim().split('\n'), refusal: '' };
  } catch (error) {
    return { lines: [], refusal: (error as { stderr: string }).stderr };
  }
}

test(`every kernel of this processor gives the bytes of the scalar one (golden pictures, ${cases} random tensors)`, async () => {
  const scalar = await outputsUnder('scalar');
  expect(scalar.refusal).toBe('');
  expect(scalar.lines[0]).toBe('scalar');
  expect(scalar.lines.length).toBeGreaterThan(cases);
  for (const kernel of ['avx2', 'avx512', 'neon']) {
    const { lines, refusal } = await outputsUnder(kernel);
    if (refusal !== '') {
      expect(refusal).toMatch(/this processor runs the kernels scalar/);
      continue;
    }
    expect(lines[0]).toBe(kernel);
    expect(lines.slice(1)).toEqual(scalar.lines.slice(1));
  }
}, 900_000);

test('a kernel that does not exist makes the addon unavailable, and the message names those that do', async () => {
  const { refusal } = await outputsUnder('mmx');
  expect(refusal).toMatch(/ADDON_UNAVAILABLE/);
  expect(refusal).toMatch(/runs the kernels scalar.*VEDETTE_KERNEL asks for "mmx"/);
});
