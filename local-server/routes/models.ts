import type { FastifyPluginAsync } from 'fastify';
import type { RuntimeOptions } from './runtime-options.ts';

export const modelRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/models', async () => ({ items: runtime.models() }));

  app.get<{ Params: { name: string } }>('/models/:name', async (request) =>
    runtime.model(request.params.name),
  );
};
