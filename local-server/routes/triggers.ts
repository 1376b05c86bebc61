import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { MAX_TRIGGER_ID_LENGTH } from '../../component/contract/transaction.ts';
import { recordAnswer } from '../record-answer.ts';
import { parseRequestValue } from '../request-values.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const MAX_CONTEXT_CHARACTERS = 65_536;

const triggerBody = z.strictObject({
  id: z.string().min(1).max(MAX_TRIGGER_ID_LENGTH).optional(),
  context: z.record(z.string(), z.unknown()).optional(),
});
const triggerQuery = z.strictObject({ answer: z.enum(['verdict', 'accepted']).default('verdict') });
const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(50) });

/** Source that transactions opened here name. */
const SOURCE = 'http';

/** Triggers over HTTP, and what became of triggers. */
export const triggerRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.post<{ Params: { name: string } }>('/cameras/:name/trigger', async (request, reply) => {
    const { answer } = parseRequestValue(triggerQuery, request.query, 'query');
    const body = parseRequestValue(triggerBody, request.body ?? {}, 'body');
    const context = checkedContext(body.context);
    const opened = runtime.trigger(request.params.name, {
      source: SOURCE,
      isPromised: true,
      ...(body.id === undefined ? {} : { id: body.id }),
      ...(context === undefined ? {} : { context }),
    });
    if (answer === 'verdict') {
      const result = await opened.answer;
      recordAnswer(runtime, reply, result);
      return result;
    }
    await opened.accepted;
    const { id, triggerId, openedAtMs, deadlineMs } = opened.transaction;
    return reply
      .code(202)
      .header('location', `/api/v1/transactions/${id}`)
      .send({ id, triggerId, openedAtMs, deadlineMs, isRepeated: opened.isRepeated });
  });

  app.get('/triggers', async () => ({ items: runtime.triggerSources() }));

  app.get<{ Params: { name: string } }>('/cameras/:name/transactions', async (request) => {
    const { limit } = parseRequestValue(listQuery, request.query, 'query');
    const { name } = runtime.camera(request.params.name);
    return { items: await runtime.transactions(name, limit) };
  });

  app.get('/transactions', async (request) => {
    const { limit } = parseRequestValue(listQuery, request.query, 'query');
    return { items: await runtime.transactions(undefined, limit) };
  });

  app.get<{ Params: { id: string } }>('/transactions/:id', async (request) =>
    runtime.transaction(request.params.id),
  );
};

function checkedContext(context: Record<string, unknown> | undefined) {
  if (context !== undefined && JSON.stringify(context).length > MAX_CONTEXT_CHARACTERS) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `\`context\` is larger than ${MAX_CONTEXT_CHARACTERS} characters`,
    );
  }
  return context;
}
