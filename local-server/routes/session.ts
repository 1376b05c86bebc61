import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import {
  isSameSecret,
  SESSION_COOKIE,
  sessionCookie,
  sessionValue,
} from '../plugins/access-token.ts';
import type { WrongTokens } from '../plugins/wrong-tokens.ts';
import { parseRequestValue } from '../request-values.ts';

const signIn = z.strictObject({ token: z.string().min(1).max(4096) });
const MAX_AGE_SECONDS = 30 * 24 * 3600;

interface SessionOptions {
  readonly token: string | undefined;
  readonly wrongTokens: WrongTokens;
}

/** The page signs in once with the token and is known by a cookie that no script can read. */
export const sessionRoutes: FastifyPluginAsync<SessionOptions> = async (
  app,
  { token, wrongTokens },
) => {
  const config = { isPublic: true };
  const cookie = (value: string, maxAge: number) =>
    `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAge}`;

  app.get('/session', { config }, async (request) => {
    const session = sessionCookie(request);
    const isOpen = token === undefined;
    return { isSignedIn: isOpen || isSameSecret(session ?? '', sessionValue(token)) };
  });

  app.post('/session', { config, bodyLimit: 8192 }, async (request, reply) => {
    const given = parseRequestValue(signIn, request.body, 'body').token;
    if (token !== undefined) {
      await wrongTokens.check(request.ip, () => isSameSecret(given, token));
      reply.header('set-cookie', cookie(sessionValue(token), MAX_AGE_SECONDS));
    }
    return reply.code(204).send();
  });

  app.delete('/session', { config }, async (_request, reply) =>
    reply.header('set-cookie', cookie('', 0)).code(204).send(),
  );
};
