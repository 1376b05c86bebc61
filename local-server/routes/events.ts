import type { FastifyPluginAsync } from 'fastify';
import { VedetteError } from '../../component/contract/errors.ts';
import { EventHub } from '../event-hub.ts';
import { rawHeaders } from './live-view.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const MAX_LISTENERS = 64;

/** Server-sent events: what happens on the device, as it happens. */
export const eventRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  const hub = new EventHub(runtime);
  app.addHook('preClose', async () => hub.close());

  app.get('/events', { exposeHeadRoute: false }, async (_request, reply) => {
    if (hub.listeners >= MAX_LISTENERS) {
      throw new VedetteError('OVERLOADED', `${MAX_LISTENERS} listeners follow the events already`);
    }
    reply.hijack();
    hub.add(reply.raw, rawHeaders(reply));
  });
};
