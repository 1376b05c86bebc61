import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import type { CheckResult } from '../../component/commands/doctor/check.ts';
import type { BareRoot } from './bare-root.ts';
import { RuntimeProcess, runVedette, samples } from './runtime-process.ts';
import { infer } from './runtime-requests.ts';

/**
 * Has an artifact find people and examine itself on a system.
 * @param folder in which it is unpacked as `vedette-linux-<arch>`, with a media pack beside it or none
 */
export async function runOnBareRoot(root: BareRoot, folder: string, arch: string): Promise<void> {
  await chmod(folder, 0o755);
  await writeFile(
    path.join(folder, 'bare.json'),
    JSON.stringify({
      dataFolder: '/data/vedette',
      server: { port: 0 },
      models: { people: { package: '/samples/models/coco-detector' } },
    }),
  );
  const vedette = `/artifacts/vedette-linux-${arch}/bin/vedette`;
  const program = root.program(folder, samples(), vedette);
  const config = ['--config', '/artifacts/bare.json'];
  const runtime = await RuntimeProcess.start({ program, arguments: ['run', ...config] });
  try {
    await runtime.ready();
    const picture = await readFile(samples('images/street/walkway-00.jpg'));
    const { detections } = await infer(runtime, 'people', new Uint8Array(picture));
    expect(detections?.some(({ label }) => label === 'person')).toBe(true);
  } finally {
    await runtime.stop();
  }
  const { stdout } = await runVedette({ program, arguments: ['doctor', '--json', ...config] });
  const { checks } = JSON.parse(stdout) as { checks: CheckResult[] };
  const stateOf = (name: string) => checks.find(({ check }) => check === name)?.state;
  expect(stateOf('ONNX Runtime')).toBe('ok');
  expect(stateOf('system')).toBe('ok');
  expect(checks.filter(({ says }) => says.includes('cannot be looked at'))).toEqual([]);
  const hasMedia = existsSync(path.join(folder, `vedette-media-linux-${arch}`));
  expect(stateOf('ffmpeg')).toBe(hasMedia ? 'ok' : 'warning');
}
