import type { FastifyPluginAsync } from 'fastify';
import type { RuntimeOptions } from './runtime-options.ts';

/**
 * Three questions with three answers: does the process answer, is it set up (what a deployment
 * waits for), can every model answer. Without a token, since what asks them has none.
 */
export const healthRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  const config = { isPublic: true };
  app.get('/health/live', { config }, async () => ({ live: true }));

  app.get('/health/started', { config }, async (_request, reply) => {
    reply.code(runtime.isStarted ? 200 : 503);
    return { started: runtime.isStarted };
  });

  app.get('/health/ready', { config }, async (_request, reply) => {
    const { isReady, models } = runtime.readiness();
    reply.code(isReady ? 200 : 503);
    const readyModels = models.filter((model) => model.state === 'ready').length;
    return { ready: isReady, models: models.length, readyModels };
  });
};
