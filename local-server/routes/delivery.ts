import type { FastifyPluginAsync } from 'fastify';
import type { RuntimeOptions } from './runtime-options.ts';

export const deliveryRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/delivery', async () => runtime.deliveryStatus());
};
