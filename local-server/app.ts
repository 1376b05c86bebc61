import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { EdgeRuntime } from '../component/edge-runtime.ts';
import { BodyReader } from './body-reader.ts';
import { inferenceProtocol } from './inference-protocol/inference-protocol.ts';
import { requireToken } from './plugins/access-token.ts';
import { answerBrokenRequests } from './plugins/broken-requests.ts';
import { checkHosts } from './plugins/host-check.ts';
import { answerProblems, asVedetteError, sendProblem } from './plugins/problem-details.ts';
import { chooseRequestId, nameRequests } from './plugins/request-id.ts';
import { setSecurityHeaders } from './plugins/security-headers.ts';
import { WrongTokens } from './plugins/wrong-tokens.ts';
import { RequestFailures } from './request-failures.ts';
import { cameraSearchRoutes } from './routes/camera-search.ts';
import { cameraRoutes } from './routes/cameras.ts';
import { captureRoutes } from './routes/captures.ts';
import { configurationRoutes } from './routes/configuration.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { deliveryRoutes } from './routes/delivery.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { inspectionRoutes } from './routes/inspections.ts';
import { liveViewRoutes } from './routes/live-view.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { modelRoutes } from './routes/models.ts';
import { noticeRoutes } from './routes/notices.ts';
import { outputRoutes } from './routes/outputs.ts';
import { pictureRoutes } from './routes/pictures.ts';
import { resultRoutes } from './routes/results.ts';
import { sessionRoutes } from './routes/session.ts';
import { statusRoutes } from './routes/status.ts';
import { triggerRoutes } from './routes/triggers.ts';

export interface AppDependencies {
  readonly runtime: EdgeRuntime;
  /** The secret that requests must carry; everybody on the allowed hosts may ask when absent. */
  readonly token?: string;
  /** Host names besides `localhost` and IP addresses that requests may use. */
  readonly allowedHosts: readonly string[];
  readonly maxBodyBytes: number;
  readonly logger: Logger;
  /** The built page (`build/dashboard`); when it is missing the answer says how to build it. */
  readonly dashboardFolder: string;
}

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
const SHORTEST_SOCKET_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 512;
const MAX_HEADER_BYTES = 16_384;

/** The local server: every route, nothing bound to a port. `close()` ends its streams too. */
export async function buildApp(deps: AppDependencies): Promise<FastifyInstance> {
  const { runtime, logger, maxBodyBytes } = deps;
  const failures = new RequestFailures(logger, (code) => runtime.countHttpError(code));
  const app: FastifyInstance = Fastify({
    // Below a warning Fastify only says that it listens, which the runtime says itself.
    loggerInstance: logger.child({}, { level: warningsOf(logger) }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: Math.min(maxBodyBytes, 1_048_576),
    connectionTimeout: socketTimeoutMs(runtime),
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES },
    genReqId: chooseRequestId,
    clientErrorHandler: (error, socket) => answerBrokenRequests(error, socket, failures),
    frameworkErrors: (thrown, request, reply) => {
      const error = asVedetteError(thrown);
      failures.record(error, request);
      sendProblem(error, request, reply);
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  // Who triggers with a connection each sees them closed, and nobody else would know.
  app.server.on('drop', () => failures.recordDropped(MAX_CONNECTIONS));
  const bodies = new BodyReader(maxBodyBytes);
  const wrongTokens = new WrongTokens();

  nameRequests(app);
  setSecurityHeaders(app);
  checkHosts(app, deps.allowedHosts);
  requireToken(app, deps.token, wrongTokens);
  answerProblems(app, failures);
  bodies.releaseAfterResponses(app);

  await app.register(healthRoutes, { runtime });
  await app.register(inferenceProtocol, { prefix: '/v2', runtime, bodies, failures });
  await app.register(metricsRoutes, { runtime });
  await app.register(statusRoutes, { prefix: '/api/v1', runtime });
  await app.register(sessionRoutes, { prefix: '/api/v1', token: deps.token, wrongTokens });
  await app.register(configurationRoutes, { prefix: '/api/v1', runtime });
  await app.register(cameraRoutes, { prefix: '/api/v1', runtime });
  await app.register(cameraSearchRoutes, { prefix: '/api/v1', runtime });
  await app.register(inspectionRoutes, { prefix: '/api/v1', runtime });
  await app.register(outputRoutes, { prefix: '/api/v1', runtime });
  await app.register(triggerRoutes, { prefix: '/api/v1', runtime });
  await app.register(liveViewRoutes, { prefix: '/api/v1', runtime });
  await app.register(modelRoutes, { prefix: '/api/v1', runtime });
  await app.register(pictureRoutes, { prefix: '/api/v1', runtime, bodies });
  await app.register(resultRoutes, { prefix: '/api/v1', runtime });
  await app.register(captureRoutes, { prefix: '/api/v1', runtime });
  await app.register(noticeRoutes, { prefix: '/api/v1', runtime });
  await app.register(deliveryRoutes, { prefix: '/api/v1', runtime });
  await app.register(eventRoutes, { prefix: '/api/v1', runtime });
  await app.register(dashboardRoutes, { folder: deps.dashboardFolder });
  return app;
}

/** What of a configuration that was changed concerns a server that goes on. */
export function followConfiguration(
  app: FastifyInstance,
  runtime: EdgeRuntime,
  logger: Logger,
): void {
  app.log.level = warningsOf(logger);
  app.server.setTimeout(socketTimeoutMs(runtime));
}

const warningsOf = (logger: Logger): string =>
  logger.isLevelEnabled('warn') ? 'warn' : logger.level;

/** A socket may be silent for as long as the slowest model may take to answer. */
function socketTimeoutMs(runtime: EdgeRuntime): number {
  const modelTimeouts = Object.values(runtime.config.models).map((model) => model.timeoutMs);
  return Math.max(SHORTEST_SOCKET_TIMEOUT_MS, ...modelTimeouts.map((timeout) => timeout + 30_000));
}
