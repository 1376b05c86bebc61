import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { requireToken } from '../../local-server/plugins/access-token.ts';
import { checkHosts } from '../../local-server/plugins/host-check.ts';
import { answerProblems } from '../../local-server/plugins/problem-details.ts';
import { nameRequests, chooseRequestId } from '../../local-server/plugins/request-id.ts';
import { setSecurityHeaders } from '../../local-server/plugins/security-headers.ts';
import { WrongTokens } from '../../local-server/plugins/wrong-tokens.ts';
import { RequestFailures } from '../../local-server/request-failures.ts';
import { parseRequestValue } from '../../local-server/request-values.ts';
import type { Logger } from '../../component/logging/create-logger.ts';
import { askFor, type RolloutAction } from '../deployment/ask-for.ts';
import { listRollouts, rolloutSummary } from '../deployment/rollout-summary.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import { eventRequest, publicationRequest, publicationSchema } from './publication-request.ts';
import type { PublicationJobs } from './publication-jobs.ts';
import type { RolloutCarrier } from './rollout-carrier.ts';

export interface ServerAppOptions {
  readonly records: RolloutRecords;
  readonly jobs: PublicationJobs;
  readonly carrier: RolloutCarrier;
  readonly version: string;
  readonly logger: Logger;
  readonly token: string | undefined;
  readonly allowedHosts: readonly string[];
  /** How models of trainings are published, as options of `publish training-job`. */
  readonly training: readonly string[] | undefined;
  /** Below it models may be named. */
  readonly models: string | undefined;
}

const MAX_BODY_BYTES = 262_144;
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 128;
const ACTIONS: readonly RolloutAction[] = ['hold', 'resume', 'rollback'];

/** What the publisher's server answers; nothing bound to a port. */
export async function buildServer(options: ServerAppOptions): Promise<FastifyInstance> {
  const { records, jobs, carrier, version, token } = options;
  const failures = new RequestFailures(options.logger, () => {});
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: chooseRequestId,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  nameRequests(app);
  setSecurityHeaders(app);
  checkHosts(app, options.allowedHosts);
  requireToken(app, token, new WrongTokens());
  answerProblems(app, failures);

  app.get('/health', { config: { isPublic: true } }, async () => ({
    status: 'ok',
    version,
    carries: carrier.carried.length,
  }));

  app.get('/api/v1/rollouts', async () => {
    const { items, notListed } = await listRollouts(records);
    const isCarriedHere = (id: string) => carrier.carried.includes(id);
    return {
      items: items.map((one) => ({ ...one, isCarriedHere: isCarriedHere(one.rollout) })),
      notListed,
    };
  });
  app.get<{ Params: { id: string } }>('/api/v1/rollouts/:id', async ({ params }) =>
    rolloutSummary(await records.rollout(params.id), records),
  );
  for (const action of ACTIONS) {
    app.post<{ Params: { id: string } }>(
      `/api/v1/rollouts/:id/${action}`,
      async ({ params }, reply) => {
        const rollout = await records.rollout(params.id);
        carrier.requireHere(rollout);
        await askFor(action, rollout, records);
        return reply
          .code(202)
          .send(await rolloutSummary(await records.rollout(params.id), records));
      },
    );
  }

  app.get('/api/v1/publications', async () => ({ items: await jobs.list() }));
  app.get<{ Params: { id: string } }>('/api/v1/publications/:id', async ({ params }) =>
    jobs.get(params.id),
  );
  app.post('/api/v1/publications', async ({ body }, reply) => {
    const asked = parseRequestValue(publicationSchema, body ?? {}, 'body');
    const job = await jobs.add(publicationRequest(asked, options.models));
    return reply.code(202).header('location', `/api/v1/publications/${job.id}`).send(job);
  });
  app.post('/api/v1/training-events', async ({ body }, reply) => {
    const request = eventRequest(body, options.training);
    // A rule may send every change: what is not the end of a training is no fault.
    if (!request) return reply.code(200).send({ isPublished: false });
    const job = await jobs.add(request);
    return reply.code(202).header('location', `/api/v1/publications/${job.id}`).send(job);
  });
  return app;
}
