import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { VedetteError } from '../../component/contract/errors.ts';
import type { WrongTokens } from './wrong-tokens.ts';

export const SESSION_COOKIE = 'vedette_session';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without the token: health, the page's own files, signing in. */
    isPublic?: boolean;
  }
}

/**
 * Requests carry `Authorization: Bearer <token>`, or the cookie that `POST /api/v1/session` sets
 * for the page: pictures and event streams of a page cannot carry headers.
 *
 * @throws VedetteError UNAUTHORIZED, OVERLOADED
 */
export function requireToken(
  app: FastifyInstance,
  token: string | undefined,
  wrongTokens: WrongTokens,
): void {
  if (token === undefined) return;
  const cookie = sessionValue(token);
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config?.isPublic) return;
    const given = bearerToken(request);
    const session = sessionCookie(request);
    if (given === undefined && session === undefined) {
      throw new VedetteError('UNAUTHORIZED', 'The request carries no token');
    }
    await wrongTokens.check(
      request.ip,
      () =>
        (given !== undefined && isSameSecret(given, token)) ||
        (session !== undefined && isSameSecret(session, cookie)),
    );
  });
}

/** What the cookie holds: proof of the token, from which it cannot be had. A new token ends it. */
export function sessionValue(token: string): string {
  return createHmac('sha256', token).update('vedette session 1').digest('base64url');
}

/** Compares in the same time whatever was given. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

export function sessionCookie(request: FastifyRequest): string | undefined {
  return cookieValue(request.headers.cookie, SESSION_COOKIE);
}

function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
