import { Readable } from 'node:stream';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { VedetteError } from '../../component/contract/errors.ts';
import type { ModelStatus, TensorAnswer } from '../../component/contract/ports.ts';
import type { EdgeRuntime } from '../../component/edge-runtime.ts';
import { asVedetteError, setErrorHeaders, unknownPath } from '../plugins/problem-details.ts';
import type { RequestFailures } from '../request-failures.ts';
import type { BodyOptions } from '../routes/runtime-options.ts';
import { readProtocolBody, splitBody } from './infer-body.ts';
import { readInferRequest } from './infer-request.ts';
import type { InferRequest } from './infer-request.ts';
import { writeInferResponse } from './infer-response.ts';
import type { InferResponse } from './infer-response.ts';
import { modelConfig, modelMetadata, repositoryEntry } from './model-documents.ts';
import { checkVersion } from './model-version.ts';
import { RequestStatistics } from './request-statistics.ts';

/** Only what is implemented: Triton's names of protocol extensions. */
const EXTENSIONS = ['classification', 'model_configuration', 'statistics', 'binary_tensor_data'];

interface ProtocolOptions extends BodyOptions {
  readonly failures: RequestFailures;
}

interface ModelParams {
  name: string;
  version?: string;
}

/**
 * Open Inference Protocol v2 over HTTP with Triton's binary tensors, for clients that exist
 * (tritonclient, kserve, perf_analyzer). Errors are `{"error": "…"}`.
 */
export const inferenceProtocol: FastifyPluginAsync<ProtocolOptions> = async (app, options) => {
  const { runtime, bodies, failures } = options;
  const statistics = new RequestStatistics();

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: FastifyRequest['raw']) =>
    readProtocolBody(request, payload, bodies),
  );
  app.setErrorHandler((thrown, request, reply) => {
    const error = asVedetteError(thrown);
    failures.record(error, request);
    setErrorHeaders(reply, error);
    const message =
      error.code === 'INTERNAL' ? `Internal error, request ${request.id}` : error.message;
    return reply.code(error.httpStatus).send({ error: message });
  });
  app.setNotFoundHandler(async (request) => {
    throw unknownPath(request);
  });

  const modelOf = ({ name, version }: ModelParams): ModelStatus => {
    const model = runtime.model(name);
    if (model.steps !== undefined) throw isChain(name);
    checkVersion(model, version);
    return model;
  };

  const infer = async (model: ModelStatus, request: FastifyRequest): Promise<InferResponse> => {
    const startedAt = performance.now();
    try {
      const asked = readInferRequest(splitBody(request), model);
      const answer = await askModel(runtime, model.name, asked);
      const response = await writeInferResponse(asked, answer, model);
      statistics.countSuccess(model.name, performance.now() - startedAt, answer.timings);
      return response;
    } catch (error) {
      statistics.countFailure(model.name, performance.now() - startedAt);
      throw error;
    }
  };

  app.get('/', async () => ({ name: 'vedette', version: runtime.version, extensions: EXTENSIONS }));
  app.get('/health/live', { config: { isPublic: true } }, async () => ({
    live: true,
    ready: true,
  }));
  app.get('/health/ready', { config: { isPublic: true } }, async () => {
    const { isReady, models } = runtime.readiness();
    if (isReady) return { live: true, ready: true };
    const waiting = models.filter((model) => model.state !== 'ready').length;
    throw new VedetteError(
      'MODEL_NOT_READY',
      `${waiting} of ${models.length} models are not ready`,
    );
  });

  for (const prefix of ['/models/:name', '/models/:name/versions/:version']) {
    app.get<{ Params: ModelParams }>(prefix, async ({ params }) => modelMetadata(modelOf(params)));
    app.get<{ Params: ModelParams }>(`${prefix}/config`, async ({ params }) =>
      modelConfig(modelOf(params)),
    );
    app.get<{ Params: ModelParams }>(`${prefix}/stats`, async ({ params }) => ({
      model_stats: [statistics.describe(modelOf(params))],
    }));
    app.get<{ Params: ModelParams }>(`${prefix}/ready`, async ({ params }) => {
      const { name, state, reason } = modelOf(params);
      if (state === 'ready') return { name, ready: true };
      throw new VedetteError('MODEL_NOT_READY', `Model ${name} is ${reason?.message ?? state}`);
    });
    app.post<{ Params: ModelParams }>(`${prefix}/infer`, async (request, reply) => {
      const { jsonBytes, byteLength, pieces } = await infer(modelOf(request.params), request);
      reply.header('content-length', byteLength);
      reply.type(jsonBytes === undefined ? 'application/json' : 'application/octet-stream');
      if (jsonBytes !== undefined) reply.header('inference-header-content-length', jsonBytes);
      return reply.send(Readable.from(pieces));
    });
  }

  app.get('/models/stats', async () => ({
    model_stats: modelsOf(runtime).map((model) => statistics.describe(model)),
  }));
  app.post('/repository/index', async () => modelsOf(runtime).map(repositoryEntry));
  app.post('/repository/models/:name/:action', async () => {
    throw new VedetteError(
      'REQUEST_INVALID',
      'Models are not loaded or unloaded through this protocol: they come from the configuration',
    );
  });
};

/** A chain has neither tensors nor outputs of one graph, which this protocol is about. */
const modelsOf = (runtime: EdgeRuntime): ModelStatus[] =>
  runtime.models().filter(({ steps }) => steps === undefined);

const isChain = (name: string) =>
  new VedetteError(
    'REQUEST_INVALID',
    `${name} is a chain of models, which this protocol has no tensors for; ask POST /api/v1/models/${name}/infer, or one of its models`,
  );

function askModel(
  runtime: EdgeRuntime,
  model: string,
  { payload, outputs }: InferRequest,
): Promise<TensorAnswer> {
  const names = outputs?.map((output) => output.name);
  if (payload.kind === 'picture') return runtime.inferPictureTensors(model, payload.data, names);
  const { inputs } = payload;
  return runtime.inferTensors(model, names === undefined ? { inputs } : { inputs, outputs: names });
}
