import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckResult } from '../../../component/commands/doctor/check.ts';
import { hasGenicamCamera } from '../../support/genicam-camera.ts';
import { RuntimeFolder, runVedette } from '../../support/runtime-process.ts';

const NOBODY = 65_534;
let folder: RuntimeFolder;
const taken = createServer();

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
});
afterAll(async () => {
  taken.close();
  await folder.close();
});

async function examine(config: object, program?: readonly [string, ...string[]]) {
  const { code, stdout } = await runVedette({
    arguments: ['doctor', '--json', '--config', await folder.config(config)],
    ...(program ? { program } : {}),
  });
  const { checks } = JSON.parse(stdout) as { checks: CheckResult[] };
  const says = (name: string, state: CheckResult['state']) =>
    checks.filter((one) => one.check === name && one.state === state).map((one) => one.says);
  return { code, checks, says };
}

describe('vedette doctor', { timeout: 60_000 }, () => {
  test('names everything that keeps a configuration from running, with what to do', async () => {
    const data = folder.join('damaged');
    await mkdir(data);
    const header = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(84)]);
    await writeFile(`${data}/registry.db`, Buffer.concat([header, Buffer.alloc(9000, 'damage')]));
    const camera = (url: string) => ({ model: 'm', source: { kind: 'ffmpeg', url } });
    const { code, checks, says } = await examine({
      dataFolder: data,
      server: { port: (taken.address() as AddressInfo).port },
      ffmpeg: { path: folder.join('no-ffmpeg') },
      onnxRuntimeLibrary: folder.join('no-library'),
      models: { m: { package: 'nowhere' } },
      cameras: {
        belt: camera('/dev/video87'),
        dock: camera('rtsp://127.0.0.1:1/'),
        shelf: { model: 'm', source: { kind: 'folder', path: folder.join('no-pictures') } },
        ...(hasGenicamCamera()
          ? { gate: { model: 'm', source: { kind: 'genicam', camera: 'V1' } } }
          : {}),
      },
      retention: { minFreeBytes: 1e15 },
    });
    expect(code).toBe(1);
    expect(says('port', 'fault')[0]).toContain('EADDRINUSE');
    expect(says('ffmpeg', 'fault')[0]).toMatch(
      /is not there, and these cameras need it: belt, dock$/,
    );
    expect(says('ONNX Runtime', 'fault')[0]).toContain('the folder does not exist');
    expect(says('database', 'fault')[0]).toContain('The database is damaged');
    expect(says('disk', 'fault')[0]).toContain('no picture is kept');
    expect(says('runtime', 'fault')).toEqual([`No runtime runs on ${data}`]);
    expect(says('cameras', 'fault')).toEqual([
      'belt: /dev/video87 is not there',
      'dock: 127.0.0.1:1 cannot be reached: ECONNREFUSED',
      `shelf: ${folder.join('no-pictures')} is not there`,
    ]);
    expect(says('cameras', 'ok')).toEqual(
      hasGenicamCamera() ? ['gate: libaravis-0.8 can be loaded'] : [],
    );
    for (const { check, state, remedy } of checks) {
      const isWrong = state === 'fault' || state === 'warning';
      expect(remedy !== undefined, check).toBe(isWrong);
    }
  });

  test.runIf(process.getuid?.() === 0)(
    'sees with the eyes of the user who runs Vedette what that user may not open',
    async () => {
      const data = folder.join('of-nobody');
      await mkdir(data);
      await chown(data, NOBODY, NOBODY);
      // As left there by a command with sudo.
      await writeFile(`${data}/station.yaml`, 'log: { level: info }', { mode: 0o600 });
      const device = folder.join('camera');
      execFileSync('mknod', [device, 'c', '1', '3']);
      await chmod(device, 0o660);
      const { says } = await examine({
        dataFolder: data,
        server: { port: 0 },
        models: { m: { package: 'nowhere' } },
        cameras: { belt: { model: 'm', source: { kind: 'ffmpeg', url: device } } },
      });
      expect(says('data folder', 'fault')).toEqual([
        `nobody may not change station.yaml in ${data}`,
      ]);
      expect(says('cameras', 'fault')).toEqual([`belt: nobody may not open ${device}`]);
      expect(says('user', 'ok')).toEqual([
        'It would run as nobody, in none of video, render, gpio',
      ]);
    },
  );

  test('says of an ffmpeg without TLS which cameras cannot do without', async () => {
    const program = folder.join('ffmpeg-without-tls');
    await writeFile(
      program,
      `#!/bin/sh\ncase "$*" in *-version*) echo 'ffmpeg version 5.1 of somebody' ;; *) printf 'Input:\\n  file\\n  http\\n' ;; esac\n`,
    );
    await chmod(program, 0o755);
    const { says } = await examine({
      dataFolder: folder.join('nothing-yet'),
      server: { port: 0 },
      ffmpeg: { path: program },
      models: { m: { package: 'nowhere' } },
      cameras: { gate: { model: 'm', source: { kind: 'ffmpeg', url: 'rtsps://127.0.0.1:1/' } } },
    });
    expect(says('ffmpeg', 'fault')).toEqual([
      `ffmpeg 5.1 (${program}) was built without TLS, which these cameras need: gate`,
    ]);
    expect(says('data folder', 'skipped').length).toBe(1);
  });
});
