import type { FastifyPluginAsync } from 'fastify';
import type { RuntimeOptions } from './runtime-options.ts';

export const noticeRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/notices', async () => ({ items: runtime.notices() }));
};
