import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import { VedetteError } from '../../component/contract/errors.ts';

/** The page and its files. They hold no data, so they need no token: the page asks for it. */
export const dashboardRoutes: FastifyPluginAsync<{ folder: string }> = async (app, { folder }) => {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, isPublic: true };
  });
  const page = await readFile(join(folder, 'index.html')).catch(() => undefined);
  if (page === undefined) {
    app.get('/', async () => {
      throw new VedetteError(
        'NOT_FOUND',
        `The page is not built: ${folder} has no index.html. ` +
          'Run `node_modules/.bin/node local-server/dashboard/build.mjs`',
      );
    });
    return;
  }
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    index: false,
    dotfiles: 'deny',
    cacheControl: false,
    setHeaders: (response) => {
      // Their names carry a hash of their content.
      response.header('cache-control', 'public, max-age=31536000, immutable');
    },
  });
  app.get('/', async (_request, reply) =>
    reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page),
  );
};
