import { expect, it } from 'vitest';
import type { CommandContext } from '../../../component/commands/command-context.ts';
import { openNamedCamera } from '../../../component/commands/named-camera.ts';

const context = {
  greengrass: { home: undefined },
  readSecret: () => Promise.reject(new Error('no secret is needed')),
} as unknown as CommandContext;

it.each([
  ['genicam:192.168.10.20', { kind: 'genicam', camera: '192.168.10.20' }],
  ['genicam:Basler-21234567', { kind: 'genicam', camera: 'Basler-21234567' }],
  ['rtsp://192.168.1.20/live', { kind: 'ffmpeg', url: 'rtsp://192.168.1.20/live' }],
  ['/dev/video7', { kind: 'ffmpeg', url: '/dev/video7' }],
])('%s on the command line is a camera to be tried', async (named, source) => {
  const { camera } = await openNamedCamera(named, {}, context);
  expect(camera.source).toMatchObject(source);
});

it.each(['genicam:', 'genicam:a\nb', 'rtsp://ann:hidden@h/', 'nothing-here'])(
  '%j on the command line is refused without being opened',
  async (named) => {
    const refusal = await openNamedCamera(named, {}, context).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ httpStatus: expect.any(Number) as number });
    expect(String(refusal)).not.toContain('hidden');
  },
);
