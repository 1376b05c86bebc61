import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { VedetteError } from '../../component/contract/errors.ts';

/**
 * Refuses requests that a foreign web page makes through the operator's browser. DNS rebinding
 * needs a host name that the attacker owns: `Host` must be an IP address, `localhost` or a listed
 * name. A page of another origin shows in `Origin` or `Sec-Fetch-Site`; following a link to the
 * page is allowed.
 */
export function checkHosts(app: FastifyInstance, allowedHosts: readonly string[]): void {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const isServed = (name: string) =>
    isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || allowed.has(name);

  app.addHook('onRequest', async (request) => {
    const host = request.headers.host;
    const name = host === undefined ? undefined : hostName(`http://${host}`);
    if (name === undefined || !isServed(name)) {
      throw new VedetteError(
        'HOST_REFUSED',
        `The request names the host ${JSON.stringify((host ?? '').slice(0, 100))}; served are IP ` +
          `addresses, localhost${[...allowed].map((entry) => `, ${entry}`).join('')}`,
      );
    }
    const { origin } = request.headers;
    if (origin !== undefined && !isOwnOrigin(origin, host, allowed)) {
      throw new VedetteError(
        'HOST_REFUSED',
        `The request comes from a page of ${JSON.stringify(origin.slice(0, 100))}, not of ${host}`,
      );
    }
    const isForeign = request.headers['sec-fetch-site'] === 'cross-site';
    if (isForeign && request.headers['sec-fetch-mode'] !== 'navigate') {
      throw new VedetteError('HOST_REFUSED', 'The request comes from a page of another site');
    }
  });
}

function isOwnOrigin(
  origin: string,
  host: string | undefined,
  allowed: ReadonlySet<string>,
): boolean {
  try {
    const url = new URL(origin);
    return url.host === host?.toLowerCase() || allowed.has(url.hostname);
  } catch {
    return false;
  }
}

function hostName(url: string): string | undefined {
  try {
    return new URL(url).hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  } catch {
    return undefined;
  }
}
