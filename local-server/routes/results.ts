import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { ResultQuery } from '../../component/contract/ports.ts';
import { outcomeSchema } from '../../component/contract/result.ts';
import { parseRequestValue } from '../request-values.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const time = z.iso
  .datetime({
    offset: true,
    error: 'expected an ISO time with zone such as 2026-11-21T09:00:00Z',
  })
  .transform((text) => Date.parse(text));
const word = z.string().min(1).max(200);

export const pageSize = z
  .string()
  .regex(/^\d{1,4}$/, 'expected a whole number from 1 to 1000')
  .transform(Number)
  .refine((limit) => limit >= 1 && limit <= 1000, 'expected a whole number from 1 to 1000')
  .default(50);
export const cursor = z.string().min(1).max(500).optional();

const resultQuery = z
  .strictObject({
    camera: word.optional(),
    model: word.optional(),
    label: word.optional(),
    outcome: outcomeSchema.optional(),
    /** Another name of `outcome`. */
    verdict: outcomeSchema.optional(),
    from: time.optional(),
    to: time.optional(),
    limit: pageSize,
    cursor,
  })
  .refine(({ outcome, verdict }) => !outcome || !verdict || outcome === verdict, {
    path: ['verdict'],
    message: 'is another name of outcome: give one of them',
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['to'],
    message: 'must be later than from',
  });

const verdictLabel = z.strictObject({
  outcome: z.enum(['pass', 'fail']),
  note: z.string().max(2000).optional(),
});

export const resultRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/results', async (request) => {
    const query = parseRequestValue(resultQuery, request.query, 'query');
    return runtime.results(runtimeQuery(query));
  });

  app.get<{ Params: { id: string } }>('/results/:id', async (request) =>
    runtime.result(request.params.id),
  );

  app.post<{ Params: { id: string } }>('/results/:id/label', async (request, reply) => {
    const { outcome, note } = parseRequestValue(verdictLabel, request.body, 'body');
    const { id: resultId } = request.params;
    await runtime.labelResult({ resultId, outcome, ...(note === undefined ? {} : { note }) });
    return reply.code(204).send();
  });
};

function runtimeQuery(query: z.output<typeof resultQuery>): ResultQuery {
  const { camera, model, label, from, to, limit } = query;
  const outcome = query.outcome ?? query.verdict;
  return {
    limit,
    ...(camera === undefined ? {} : { camera }),
    ...(model === undefined ? {} : { model }),
    ...(label === undefined ? {} : { label }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  };
}
