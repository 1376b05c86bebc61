import { once } from 'node:events';
import { createServer } from 'node:net';
import { CheckResults, type Check } from './check.ts';

const results = new CheckResults('port');

/** Whether the local server has its port, or could have it. */
export const checkPort: Check = async ({ config, running }) => {
  const { host, port } = config.server;
  if (running) {
    const { address, processId } = running;
    return [results.ok(`${address} is served by process ${processId}`, { address, processId })];
  }
  if (port === 0) return [results.skipped('server.port is 0: a free one is taken at the start')];
  const code = await tryToListen(host, port);
  if (code === undefined) return [results.ok(`Port ${port} on ${host} is free`)];
  const says = `Port ${port} on ${host} cannot be had: ${code}`;
  const remedy =
    code === 'EADDRINUSE'
      ? `\`ss -ltnp 'sport = :${port}'\` names the program that has it: stop it, or set server.port.`
      : 'Set server.host to an address of this machine and server.port to one above 1023.';
  return [results.fault(says, remedy, { host, port, code })];
};

async function tryToListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    server.close();
  }
}
