import { connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { buildApp } from '../../local-server/app.ts';
import type { AppDependencies } from '../../local-server/app.ts';
import type { EdgeRuntime } from '../../component/edge-runtime.ts';

export interface RunningServer {
  readonly app: FastifyInstance;
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** The local server on a free port of the loopback. */
export async function startServer(
  runtime: EdgeRuntime,
  change: Partial<AppDependencies> & { port?: number } = {},
): Promise<RunningServer> {
  const { port = 0, ...deps } = change;
  const app = await buildApp({
    runtime,
    allowedHosts: [],
    maxBodyBytes: 1_048_576,
    logger: pino({ level: 'silent' }),
    dashboardFolder: '/nonexistent',
    ...deps,
  });
  const address = await app.listen({ host: '127.0.0.1', port });
  return { app, address, port: Number(new URL(address).port), close: () => app.close() };
}

/** Sends bytes as they are and reads until the server closes or `until` is found. */
export function rawExchange(
  port: number,
  request: string | Buffer,
  until?: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    const finish = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (until !== undefined && answer.includes(until)) finish();
    });
    socket.on('end', finish);
    socket.on('close', finish);
    socket.on('error', (error) => (answer === '' ? reject(error) : finish()));
  });
}
