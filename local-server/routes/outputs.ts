import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { parseRequestValue } from '../request-values.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const recordsQuery = z.strictObject({
  result: z.string().min(1).max(100).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
});

/** Outputs, and what they were told. */
export const outputRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/outputs', async () => ({ items: runtime.outputs() }));

  app.get('/outputs/records', async (request) => {
    const { result, limit } = parseRequestValue(recordsQuery, request.query, 'query');
    return { items: await runtime.outputRecords(result, limit) };
  });
};
