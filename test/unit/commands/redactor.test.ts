import { describe, expect, test } from 'vitest';
import { readableSecrets, Redactor } from '../../../component/commands/support/redactor.ts';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';

describe('what leaves the device', () => {
  const secret = 'p@ss "w/ord" 7';
  const redactor = new Redactor([secret, 'abc']);

  test.each([
    ['as it is', secret],
    ['percent-encoded', encodeURIComponent(secret)],
    ['inside JSON', JSON.stringify(secret)],
    ['in base64', Buffer.from(secret).toString('base64')],
  ])('holds no known secret %s', (_title, form) => {
    const text = redactor.text(`before ${form} after`);
    expect(text).toMatch(/^before "?\[secret\]"? after$/);
  });

  test.each([
    ['authorization: Bearer eyJhbGciOi.x-y_z=', 'eyJhbGciOi'],
    ['rtsp://viewer:hunter22@10.0.0.7/stream', 'hunter22'],
    ['http://10.0.0.7/snap?user=a&pwd=hunter22', 'hunter22'],
    ['{"password":"hunter22"}', 'hunter22'],
    ['token = hunter22, next', 'hunter22'],
    ['ASIAQWERTYUIOPASDFGH was used', 'ASIAQWERTYUIOPASDFGH'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIhunter22\n-----END RSA PRIVATE KEY-----', 'MIIhunter22'],
  ])('holds nothing that looks like one: %s', (text, part) => {
    expect(redactor.text(text)).not.toContain(part);
  });

  test('keeps where a secret is, words that are too short to be one, and everything else', () => {
    const text = '"password": { "file": "/etc/vedette/dock" }, abc, 200 tokens, camera dock failed';
    expect(redactor.text(text)).toBe(text);
  });

  test('knows the secrets of files, of the environment of the runtime, and of the nucleus', async () => {
    const config = runtimeConfigSchema.parse({
      server: { token: { file: '/etc/token' } },
      models: { m: { package: 'm' } },
      cameras: {
        dock: {
          model: 'm',
          source: { kind: 'ffmpeg', url: 'rtsp://a/', username: 'v', password: { env: 'DOCK' } },
        },
        gate: {
          model: 'm',
          source: { kind: 'ffmpeg', url: 'rtsp://b/', username: 'v', password: { file: '/no' } },
        },
      },
    });
    const environment = { SVCUID: 'of-the-nucleus', DOCK: 'of-the-dock', HOME: '/home' };
    const secrets = await readableSecrets(config, environment, async (reference) => {
      if ('file' in reference && reference.file === '/etc/token') return 'of-the-server';
      throw new Error('may not be read');
    });
    expect(secrets.toSorted()).toEqual(['of-the-dock', 'of-the-nucleus', 'of-the-server']);
  });
});
