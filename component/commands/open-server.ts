import { listenError } from '../configuration/listen-error.ts';
import { readServerToken } from '../configuration/read-server-token.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import type { EdgeRuntime } from '../edge-runtime.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { CommandContext, OpenServer } from './command-context.ts';

/**
 * Serves a runtime over HTTP as a configuration says.
 * @throws VedetteError SECRET_UNAVAILABLE, CONFIG_INVALID, PORT_IN_USE
 */
export async function openServer(
  runtime: EdgeRuntime,
  { server }: RuntimeConfig,
  context: CommandContext,
  logger: Logger,
): Promise<OpenServer> {
  const { token: tokenAt, host, port, allowedHosts, maxBodyBytes } = server;
  const token = tokenAt && (await readServerToken(tokenAt, context.readSecret));
  const settings = {
    host,
    port,
    logger,
    maxBodyBytes,
    allowedHosts: Object.keys(allowedHosts).filter((name) => allowedHosts[name]),
    ...(token === undefined ? {} : { token }),
  };
  try {
    return await context.openServer(runtime, settings);
  } catch (cause) {
    throw listenError(cause, host, port);
  }
}
