import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { VedetteError } from '../../component/contract/errors.ts';
import type { EdgeRuntime } from '../../component/edge-runtime.ts';
import { LiveViewer } from '../live-viewer.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const SNAPSHOT_TIMEOUT_MS = 5000;

/** A HEAD request for a stream would never end. */
const STREAM = { exposeHeadRoute: false };

/** What a camera sees, with everything drawn: as a stream, and as one picture. */
export const liveViewRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  const viewers = new Set<LiveViewer>();
  app.addHook('preClose', async () => {
    for (const viewer of viewers) viewer.close();
  });

  app.get<{ Params: { name: string } }>('/cameras/:name/live', STREAM, async (request, reply) => {
    const viewer = new LiveViewer(reply.raw);
    const unsubscribe = runtime.watchCamera(request.params.name, (jpeg) => viewer.show(jpeg));
    viewers.add(viewer);
    viewer.onClose(() => {
      unsubscribe();
      viewers.delete(viewer);
    });
    reply.hijack();
    viewer.begin(rawHeaders(reply));
  });

  app.get<{ Params: { name: string } }>('/cameras/:name/snapshot', async (request, reply) => {
    const jpeg = await nextPicture(runtime, request.params.name);
    return reply.type('image/jpeg').send(jpeg);
  });
};

/** The headers that hooks have set, for answers written past Fastify. */
export function rawHeaders(reply: FastifyReply): Record<string, string> {
  const entries = Object.entries(reply.getHeaders());
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/** @throws VedetteError CAMERA_NOT_FOUND, OVERLOADED, CAMERA_SOURCE_FAILED when none comes */
function nextPicture(runtime: EdgeRuntime, camera: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let unsubscribe: (() => void) | undefined;
    let isDone = false;
    const finish = (settle: () => void) => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      unsubscribe?.();
      settle();
    };
    const timer = setTimeout(() => {
      const message = `Camera ${camera} gave no picture within ${SNAPSHOT_TIMEOUT_MS} ms`;
      finish(() => reject(new VedetteError('CAMERA_SOURCE_FAILED', message)));
    }, SNAPSHOT_TIMEOUT_MS);
    try {
      unsubscribe = runtime.watchCamera(camera, (jpeg) => finish(() => resolve(jpeg)));
      if (isDone) unsubscribe();
    } catch (error) {
      finish(() => reject(error as Error));
    }
  });
}
