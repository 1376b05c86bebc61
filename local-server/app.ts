import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { EdgeRuntime } from '../component/edge-runtime.ts';

export interface AppDependencies {
  readonly runtime: EdgeRuntime;
  /** The secret that requests must carry; everybody on the allowed hosts may ask when absent. */
  readonly token?: string;
  /** Host names besides `localhost` and IP addresses that requests may use. */
  readonly allowedHosts: readonly string[];
  readonly maxBodyBytes: number;
  readonly logger: Logger;
  /** The built page (`build/dashboard`); a missing folder is answered with how to build it. */
  readonly dashboardFolder: string;
}

/** The local server: every route, nothing bound to a port. `close()` ends its streams too. */
export async function buildApp(deps: AppDependencies): Promise<FastifyInstance> {
  const app = Fastify({ loggerInstance: deps.logger, bodyLimit: deps.maxBodyBytes });
  return app as unknown as FastifyInstance;
}
