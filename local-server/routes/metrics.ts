import type { FastifyPluginAsync } from 'fastify';
import type { RuntimeOptions } from './runtime-options.ts';

/** Prometheus reads here. */
export const metricsRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/metrics', async (_request, reply) => {
    const { text, contentType } = await runtime.metrics();
    return reply.type(contentType).send(text);
  });
};
