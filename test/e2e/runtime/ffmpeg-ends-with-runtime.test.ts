import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, it } from 'vitest';
import { RuntimeFolder, samples } from '../../support/runtime-process.ts';
import { eventually } from '../../support/runtime-requests.ts';

const sockets = new Set<Socket>();
/** Takes connections and never says a word. */
const silent = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {});
});
let folder: RuntimeFolder;

beforeAll(async () => {
  folder = await RuntimeFolder.create();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await folder.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

it('leaves no ffmpeg behind when it is killed while its sources are silent', async () => {
  const { port } = silent.address() as AddressInfo;
  const ffmpeg = (url: string) => ({
    model: 'brick',
    source: { kind: 'ffmpeg', url, stallTimeoutMs: 600_000 },
  });
  const runtime = await folder.start({
    models: { brick: { package: samples('models', 'brick-anomaly') } },
    cameras: {
      stream: ffmpeg(`rtsp://127.0.0.1:${port}/live`),
      page: ffmpeg(`http://127.0.0.1:${port}/live.mjpeg`),
      clip: ffmpeg(samples('clips', 'walkway.mp4')),
    },
  });
  const running = () =>
    runtime.children().filter(({ commandLine }) => commandLine[0]?.endsWith('ffmpeg'));
  await eventually('both silent sources asked', () => (sockets.size >= 2 ? true : undefined));
  await eventually('three ffmpegs', () => (running().length >= 3 ? true : undefined));
  await runtime.stop('SIGKILL');
  await eventually('no child', () => (runtime.children().length === 0 ? true : undefined), 5000);
});
