import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { CANDIDATE_MODES } from '../../component/contract/model-lifecycle.ts';
import type { ModelChangeRequest } from '../../component/contract/model-lifecycle.ts';
import { parseRequestValue } from '../request-values.ts';
import { pageSize } from './results.ts';
import type { RuntimeOptions } from './runtime-options.ts';

interface OfModel {
  Params: { name: string };
}

const proposal = z.strictObject({
  package: z.string().min(1).max(4096),
  mode: z.enum(CANDIDATE_MODES).default('shadow'),
  cameras: z.array(z.string().min(1).max(64)).max(1000).default([]),
});

const shadowQuery = z.strictObject({
  only: z.enum(['disagreements', 'all']).default('disagreements'),
  limit: pageSize,
});

const historyQuery = z.strictObject({ limit: pageSize });

/** Without a body: what they do is in their address. */
const CHANGES = ['promote', 'rollback', 'discard', 'pin', 'unpin'] as const;

/** Models, their versions, and changes of these. A change is begun and then followed by asking again. */
export const modelRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/models', async () => ({ items: runtime.models() }));

  app.get<OfModel>('/models/:name', async (request) => runtime.model(request.params.name));

  app.get<OfModel>('/models/:name/history', async (request) => {
    const { limit } = parseRequestValue(historyQuery, request.query, 'query');
    return { items: await runtime.modelChanges(request.params.name, limit) };
  });

  app.get<OfModel>('/models/:name/shadow', async (request) => {
    const { only, limit } = parseRequestValue(shadowQuery, request.query, 'query');
    const onlyDisagreements = only === 'disagreements';
    const { name: model } = request.params;
    return { items: await runtime.shadows({ model, onlyDisagreements, limit }) };
  });

  app.post<OfModel>('/models/:name/candidate', async (request, reply) => {
    const body = parseRequestValue(proposal, request.body, 'body');
    const change: ModelChangeRequest = { kind: 'propose', ...body };
    return reply.code(202).send(await runtime.changeModel(request.params.name, change));
  });

  for (const kind of CHANGES) {
    app.post<OfModel>(`/models/:name/${kind}`, async (request, reply) =>
      reply.code(202).send(await runtime.changeModel(request.params.name, { kind })),
    );
  }
};
