import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { VedetteError } from '../../component/contract/errors.ts';

const REPEAT_AFTER_MS = 60_000;
const MAX_KINDS = 200;

interface FaultCount {
  loggedAtMs: number;
  unlogged: number;
}

/**
 * Logs failed requests: the caller's mistakes at debug level, the rest as warnings or errors, each
 * kind (code and route) at most once a minute with the number left out in between.
 */
export class FaultLog {
  readonly #log: FastifyBaseLogger;
  readonly #kinds = new Map<string, FaultCount>();

  constructor(log: FastifyBaseLogger) {
    this.#log = log;
  }

  report(error: VedetteError, request: FastifyRequest): void {
    const facts = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      code: error.code,
    };
    if (error.httpStatus < 500) {
      this.#log.debug(facts, error.message);
      return;
    }
    const kind = `${error.code} ${facts.route}`;
    const now = Date.now();
    const count = this.#kinds.get(kind);
    if (count !== undefined && now - count.loggedAtMs < REPEAT_AFTER_MS) {
      count.unlogged += 1;
      return;
    }
    if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear();
    this.#kinds.set(kind, { loggedAtMs: now, unlogged: 0 });
    const repeated = count?.unlogged ? { repeated: count.unlogged } : {};
    if (error.code === 'INTERNAL') {
      this.#log.error({ ...facts, ...repeated, err: error.cause ?? error }, error.message);
    } else {
      this.#log.warn({ ...facts, ...repeated }, error.message);
    }
  }
}
