import type { FastifyPluginAsync } from 'fastify';
import type { RuntimeOptions } from './runtime-options.ts';

export const cameraRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/cameras', async () => ({ items: runtime.cameras() }));

  app.get<{ Params: { name: string } }>('/cameras/:name', async (request) =>
    runtime.camera(request.params.name),
  );
};
