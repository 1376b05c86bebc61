import type { FastifyRequest } from 'fastify';
import { VedetteError, type ErrorCode } from '../component/contract/errors.ts';
import { FaultLog } from '../component/logging/fault-log.ts';
import type { Logger } from '../component/logging/create-logger.ts';

/** Logs and counts the requests that are answered with an error. */
export class RequestFailures {
  readonly #logger: Logger;
  readonly #faults: FaultLog;
  readonly #count: (code: ErrorCode) => void;

  constructor(logger: Logger, count: (code: ErrorCode) => void) {
    this.#logger = logger;
    this.#faults = new FaultLog(logger);
    this.#count = count;
  }

  /** The caller's mistakes are for the debug level; the rest is logged, but not again and again. */
  record(error: VedetteError, request: FastifyRequest): void {
    this.#count(error.code);
    const route = request.routeOptions.url ?? 'unknown';
    const fields = { requestId: request.id, method: request.method, route, error };
    if (error.httpStatus < 500) this.#logger.debug(fields, error.message);
    else this.#faults.warn(`http/${route}/${error.code}`, fields, error.message);
  }

  /** A connection that was closed at once, since so many are open. */
  recordDropped(maxConnections: number): void {
    this.#count('OVERLOADED');
    const message = `${maxConnections} connections are open, which are all that may be: others are closed without an answer; let programs keep a connection for their requests`;
    const error = new VedetteError('OVERLOADED', message);
    this.#faults.warn('http/connections', { error }, 'a connection was not taken');
  }

  /** Bytes that never became a request. */
  recordBroken(error: VedetteError): void {
    this.#count(error.code);
    this.#logger.debug({ error }, error.message);
  }
}
