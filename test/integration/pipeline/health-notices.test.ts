import { execFileSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { deliveredSchema } from '../../../component/contract/delivery.ts';
import type { Notice } from '../../../component/contract/ports.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { HttpCamera } from '../../support/http-camera.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { startRuntime } from '../../support/real-runtime.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';

vi.setConfig({ testTimeout: 120_000 });

const of =
  (condition: string) =>
  ({ error }: Notice) =>
    error.details?.['condition'] === condition;

test('the beginning and the end of a condition are notices, also of a camera that nothing triggers, and how long it lasted is kept', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-health-'));
  const clip = join(folder, 'covered.mp4');
  execFileSync('ffmpeg', [
    ...['-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=10:duration=2'],
    ...['-vf', "drawbox=color=black:t=fill:enable='lt(t,1)'", clip],
  ]);
  const stuck = await HttpCamera.start();
  stuck.isFrozen = true;
  onTestFinished(() => stuck.close());
  const packages = await ModelPackages.create();
  onTestFinished(() => packages.close());
  const { runtime, close } = await startRuntime(folder, {
    models: { parts: { package: await versionPackage(packages, '1.0.0', constantModel(0.2)) } },
    cameras: {
      gate: {
        model: 'parts',
        policy: 'triggered',
        source: { kind: 'ffmpeg', url: clip },
        health: { intervalMs: 100, samples: 1 },
      },
      dock: {
        model: 'parts',
        source: { kind: 'http-snapshot', url: stuck.url('/snapshot'), intervalMs: 100 },
        health: { intervalMs: 100, samples: 1, frozenAfterMs: 1000, maxBrightFraction: 1 },
      },
    },
  });
  onTestFinished(close);
  const told = (condition: string, level: Notice['level']) =>
    vi.waitFor(
      () => {
        const notices = runtime.notices().filter(of(condition));
        expect(notices.map((notice) => notice.level)).toContain(level);
      },
      { timeout: 60_000 },
    );
  await told('frozen', 'warn');
  const dock = runtime.cameras().find(({ name }) => name === 'dock')!;
  expect(dock.state).toBe('running');
  expect(dock.health?.conditions.map(({ kind }) => kind)).toEqual(['frozen']);
  stuck.isFrozen = false;
  await told('frozen', 'info');
  await told('black', 'info');
  await runtime.close();

  const registry = await Registry.open({
    dataFolder: join(folder, 'data'),
    onNotice: () => undefined,
  });
  const all = (await registry.notices(1000)).toReversed();
  await registry.close();
  const kept = all.filter(of('black'));
  const frozen = all.filter(of('frozen'));
  expect(frozen.map(({ level }) => level)).toEqual(['warn', 'info']);
  expect(frozen.map(({ error }) => error.details?.['camera'])).toEqual(['dock', 'dock']);
  const [began, ended] = kept;
  expect(began).toMatchObject({
    level: 'warn',
    error: { code: 'CAMERA_PICTURE_BAD', details: { camera: 'gate', condition: 'black' } },
  });
  expect(began!.error.message).toContain('camera gate, black: ');
  expect(began!.error.details).not.toHaveProperty('lastedMs');
  expect(ended!.error.message).toMatch(/^camera gate, black is over after \d+ s: /);
  expect(ended).toMatchObject({ level: 'info', error: { code: 'CAMERA_PICTURE_BAD' } });
  expect(ended!.error.details?.['lastedMs']).toBeGreaterThan(0);

  const { level, error } = ended!;
  const sent = { at: new Date(0).toISOString(), level, code: error.code, message: error.message };
  const notice = deliveredSchema.options.find((option) => 'notice' in option.shape)!.shape;
  expect('notice' in notice && notice.notice.safeParse(sent).success).toBe(true);
});
