import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainConfiguration } from '../../../component/configuration/explain-configuration.ts';
import { loadConfiguration } from '../../../component/configuration/load-configuration.ts';
import { redactSetting } from '../../../component/configuration/redact-setting.ts';
import { hasCredentials } from '../../../component/configuration/url-credentials.ts';
import { VedetteError } from '../../../component/contract/errors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-secrets-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function withSource(source: object, server: object = {}): Promise<string> {
  const file = join(folder, 'line.yaml');
  const config = {
    dataFolder: folder,
    server,
    models: { parts: { package: 'parts' } },
    cameras: { dock: { model: 'parts', source: { kind: 'ffmpeg', ...source } } },
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

async function refusal(file: string): Promise<VedetteError> {
  const thrown: unknown = await loadConfiguration({ file }).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(VedetteError);
  return thrown as VedetteError;
}

describe('hasCredentials', () => {
  it.each([
    'rtsp://user:S3CRET@camera/stream',
    'rtsp://user@camera/stream',
    'rtsp://user:S3C/RET@camera/stream',
    'rtsp://user:S3C@RET@camera/stream',
    'rtsp://user:S3C#RET@camera/stream',
    'https://user:S3C?RET@camera/stream',
  ])('sees them in %s', (url) => expect(hasCredentials(url)).toBe(true));

  it.each([
    'rtsp://camera/stream',
    'rtsp://camera:554/line@dock',
    'http://camera/pictures?to=a@b',
    '/videos/line@dock.mp4',
    'videos/a@b.mp4',
  ])('sees none in %s', (url) => expect(hasCredentials(url)).toBe(false));
});

describe('a password that somebody wrote into the configuration', () => {
  it.each(['S3CRET', 'S3C/RET', 'S3C@RET'])(
    'is refused in an address (%s), with the settings that take it and without being repeated',
    async (password) => {
      const error = await refusal(await withSource({ url: `rtsp://u:${password}@camera/stream` }));
      expect(error.details['problems']).toContainEqual({
        path: 'cameras.dock.source.url',
        message: expect.stringMatching(/`username` and `password: \{ file: … \}`/) as string,
      });
      expect(JSON.stringify(error.serialize())).not.toMatch(/S3C|RET/);
    },
  );

  it('is not repeated when it stands where a reference belongs', async () => {
    const url = 'rtsp://camera/stream';
    const error = await refusal(
      await withSource({ url, password: 'S3CRET' }, { token: 'T0KEN-in-plain-text' }),
    );
    const problems = error.details['problems'] as { path: string }[];
    expect(problems.map(({ path }) => path).sort()).toEqual([
      'cameras.dock.source.password',
      'server.token',
    ]);
    expect(JSON.stringify(error.serialize())).not.toMatch(/S3CRET|T0KEN/);
  });

  it('is not repeated when another setting of the source is wrong', async () => {
    const url = 'rtsp://user:S3CRET@camera/stream';
    const error = await refusal(await withSource({ url, urll: url, transport: url }));
    expect(JSON.stringify(error.serialize())).not.toMatch(/S3CRET/);
  });

  it.each([
    'live?channel=1&password=S3CRET&subtype=0',
    'live?channel=1&psw=S3CRET&subtype=0',
    'live?channel=1&authbasic=S3CRET&subtype=0',
    'password=S3CRET&channel=1.sdp',
    'x_password=S3CRET_channel=1.sdp',
  ])('is not shown by explain where a camera wants it in its address (%s)', async (path) => {
    const url = `rtsp://camera/${path}`;
    const loaded = await loadConfiguration({ file: await withSource({ url }) });
    const shown = explainConfiguration(loaded).find(({ path: one }) => one.endsWith('.url'));
    expect(shown?.value).toBe(url.replace('S3CRET', '***'));
    expect(loaded.config.cameras['dock']?.source).toMatchObject({ url });
  });
});

it('references to secrets are shown', () => {
  const token = { file: '/etc/vedette/token' };
  expect(redactSetting({ token, port: 8080 }, 'server')).toEqual({ token, port: 8080 });
});
