import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CODES, VedetteError } from '../../component/contract/errors.ts';
import type { RequestFailures } from '../request-failures.ts';

/** An RFC 9457 problem. `type` is a name, `title` the meaning of the code, `detail` this case. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly requestId?: string;
  readonly problems?: readonly unknown[];
}

export function problemDetails(error: VedetteError, requestId?: string): ProblemDetails {
  const { problems } = error.details;
  return {
    type: `urn:vedette:error:${error.code}`,
    title: ERROR_CODES[error.code].meaning,
    status: error.httpStatus,
    detail:
      error.code === 'INTERNAL' ? 'The log holds the cause under this request id' : error.message,
    code: error.code,
    remedy: error.remedy,
    retryable: error.retryable,
    ...(requestId === undefined ? {} : { requestId }),
    ...(Array.isArray(problems) ? { problems: problems as unknown[] } : {}),
  };
}

/** Answers every error and unknown path with a problem. */
export function answerProblems(app: FastifyInstance, failures: RequestFailures): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = asVedetteError(thrown);
    failures.record(error, request);
    return sendProblem(error, request, reply);
  });
  app.setNotFoundHandler(async (request) => {
    throw unknownPath(request);
  });
}

export function sendProblem(
  error: VedetteError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  setErrorHeaders(reply, error);
  return reply
    .code(error.httpStatus)
    .type('application/problem+json')
    .send(JSON.stringify(problemDetails(error, request.id)));
}

export function unknownPath(request: FastifyRequest): VedetteError {
  const path = request.url.split('?', 1)[0] ?? '';
  return new VedetteError(
    'NOT_FOUND',
    `There is no ${request.method} ${path.slice(0, 200)}; docs/HTTP-API.md lists every address`,
  );
}

const FRAMEWORK_CODES: Readonly<Record<string, 'BODY_TOO_LARGE' | 'NOT_FOUND'>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_REQ_FILE_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_NOT_FOUND: 'NOT_FOUND',
};

/** Errors of Fastify and its plugins with a status of the caller's making keep their message. */
export function asVedetteError(thrown: unknown): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  if (thrown instanceof Error) {
    const { code, statusCode } = thrown as Error & { code?: string; statusCode?: number };
    const isCallers = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
    if (isCallers) {
      const known = code === undefined ? undefined : FRAMEWORK_CODES[code];
      return new VedetteError(known ?? 'REQUEST_INVALID', thrown.message, { cause: thrown });
    }
    if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
      return new VedetteError('REQUEST_INVALID', 'The connection ended before the body did', {
        cause: thrown,
      });
    }
  }
  return VedetteError.from(thrown);
}

/** Whole seconds; 1 where nothing is known of how long what waits will take. */
function retryAfterSeconds({ details }: VedetteError): string {
  const { retryAfterMs } = details;
  return String(typeof retryAfterMs === 'number' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : 1);
}

/** `Retry-After` where waiting helps; no reuse of a connection whose body was left unread. */
export function setErrorHeaders(reply: FastifyReply, error: VedetteError): void {
  if (error.httpStatus === 429) reply.header('retry-after', retryAfterSeconds(error));
  if (error.httpStatus === 503) reply.header('retry-after', '5');
  if (error.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer realm="vedette"');
  if (!reply.request.raw.complete) reply.header('connection', 'close');
}
