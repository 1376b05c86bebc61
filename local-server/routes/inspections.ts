import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { InspectionHold } from '../../component/inspection-holds.ts';
import { parseRequestValue } from '../request-values.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const holdName = z
  .string()
  .regex(/^[\w.:-]{1,64}$/, 'expected 1–64 letters, digits or any of . : _ -');
const hold = z.strictObject({ seconds: z.int().min(1).max(3600) });
type Named = { Params: { name: string } };

/** Parts under inspection: updates, and changes that make cameras pause, wait until they are released. */
export const inspectionRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/inspections', async () => ({
    items: runtime.inspections.list().map(shown),
    busy: runtime.busyReasons(),
  }));

  app.put<Named>('/inspections/:name', async (request) => {
    const name = parseRequestValue(holdName, request.params.name, 'name');
    const { seconds } = parseRequestValue(hold, request.body, 'body');
    return shown(runtime.inspections.set(name, seconds));
  });

  app.delete<Named>('/inspections/:name', async (request, reply) => {
    runtime.inspections.release(request.params.name);
    return reply.code(204).send();
  });
};

const shown = ({ name, expiresAtMs }: InspectionHold) => ({
  name,
  expiresAt: new Date(expiresAtMs).toISOString(),
});
