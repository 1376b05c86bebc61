import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { binaryFloors, floorProblems } from '../../../scripts/package/library-floor.ts';
import { emulatesArm64 } from '../../../scripts/setup/arm64-target.mjs';
import { makeArtifact, unpackArtifact } from '../../support/artifact.ts';
import { hasRtspServer, RtspServer } from '../../support/rtsp-server.ts';
import { RuntimeFolder, samples } from '../../support/runtime-process.ts';
import { cameraUntil } from '../../support/runtime-requests.ts';

const TIMEOUT_MS = 1_800_000;
/** The test clip: 10 pictures a second for 10 s (samples/README.md). */
const CLIP = samples('clips/walkway.mp4');
const run = promisify(execFile);
/** They are compiled for minutes when they are not there yet. */
const isDeep = process.env['VEDETTE_DEEP'] === '1';
const own = process.arch === 'x64' ? ('linux/amd64' as const) : ('linux/arm64' as const);

const PLATFORMS = [
  { platform: own, before: [] as string[] },
  ...(emulatesArm64()
    ? [
        {
          platform: 'linux/arm64' as const,
          before: ['/usr/bin/qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'],
        },
      ]
    : []),
];

describe.runIf(isDeep).each(PLATFORMS)(
  'the media pack for $platform',
  { timeout: TIMEOUT_MS },
  ({ platform, before }) => {
    let folder = '';
    /** Runs one of its programs with nothing in the environment. */
    const media = async (program: string, ...args: string[]) => {
      const [first = '', ...rest] = [...before, path.join(folder, 'media/bin', program), ...args];
      return run(first, rest, { env: {}, maxBuffer: 1 << 28, encoding: 'latin1' });
    };

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'vedette-media-'));
      await unpackArtifact(
        await makeArtifact(platform, folder, 'media'),
        path.join(folder, 'media'),
      );
    }, TIMEOUT_MS);
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test('starts, asks for no more than glibc 2.31, and holds nothing under the GPL', async () => {
      const { stdout } = await media('ffmpeg', '-version');
      expect(stdout).toMatch(/^ffmpeg version 5\.1/);
      expect(stdout).not.toMatch(/--enable-(gpl|nonfree|version3)/);
      expect((await media('ffmpeg', '-hide_banner', '-L')).stdout).toContain(
        'Lesser General Public',
      );
      const floors = await binaryFloors(path.join(folder, 'media'));
      expect(floors.map(({ file }) => file).sort()).toEqual(['bin/ffmpeg', 'bin/ffprobe']);
      expect(floorProblems(floors)).toEqual([]);
    });

    test('brings its licence, its credits, and where its source is', async () => {
      const licences = path.join(folder, 'media/licences');
      expect((await readdir(licences)).sort()).toEqual([
        'COPYING.LGPLv2.1',
        'CREDITS',
        'LICENSE.md',
        'SOURCE.txt',
      ]);
      const source = await readFile(path.join(licences, 'SOURCE.txt'), 'utf8');
      expect(source).toMatch(/apt-get source ffmpeg=\d/);
      expect(source).toContain('--disable-everything');
      expect((await stat(path.join(licences, 'COPYING.LGPLv2.1'))).size).toBeGreaterThan(20_000);
    });

    test('decodes the sample clip to the same pixels as the distribution’s', async () => {
      const args = ['-v', 'error', '-i', CLIP, '-frames:v', '5', '-f', 'rawvideo', '-'];
      const theirs = await run('ffmpeg', args, { maxBuffer: 1 << 28, encoding: 'latin1' });
      const { stdout } = await media('ffmpeg', ...args);
      expect(stdout.length).toBe(5 * 768 * 576 * 1.5);
      expect(stdout === theirs.stdout).toBe(true);
    });
  },
);

describe.runIf(isDeep)('the runtime with the media pack', { timeout: TIMEOUT_MS }, () => {
  test.runIf(hasRtspServer())('takes a clip and an RTSP stream through it', async () => {
    const folder = await RuntimeFolder.create();
    const server = await RtspServer.start({ size: '320x240' });
    try {
      const zip = await makeArtifact(own, folder.path, 'media');
      await unpackArtifact(zip, folder.join('media'));
      const camera = (url: string) => ({ model: 'bricks', source: { kind: 'ffmpeg', url } });
      const runtime = await folder.start({
        ffmpeg: { path: folder.join('media/bin/ffmpeg') },
        models: { bricks: { package: samples('models/brick-anomaly') } },
        cameras: { clip: camera(CLIP), live: camera(`rtsp://127.0.0.1:${server.port}/live`) },
      });
      for (const name of ['clip', 'live']) {
        await cameraUntil(runtime, name, ({ framesJudged }) => framesJudged > 10, 60_000);
      }
      const programs = runtime.children().map(({ commandLine }) => commandLine.join(' '));
      const streams = programs.filter((one) => one.includes(folder.join('media/bin/ffmpeg')));
      expect(streams.length).toBeGreaterThanOrEqual(2);
    } finally {
      await server.close();
      await folder.close();
    }
  });
});
