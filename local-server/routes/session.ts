import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { isSameSecret, SESSION_COOKIE, sessionValue } from '../plugins/access-token.ts';
import { parseRequestValue } from '../request-values.ts';

const signIn = z.strictObject({ token: z.string().min(1).max(4096) });
const MAX_AGE_SECONDS = 30 * 24 * 3600;

/** The page signs in once with the token and is known by a cookie that no script can read. */
export const sessionRoutes: FastifyPluginAsync<{ token: string | undefined }> = async (
  app,
  { token },
) => {
  const config = { isPublic: true };
  const cookie = (value: string, maxAge: number) =>
    `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAge}`;

  app.post('/session', { config, bodyLimit: 8192 }, async (request, reply) => {
    const given = parseRequestValue(signIn, request.body, 'body').token;
    if (token !== undefined) {
      if (!isSameSecret(given, token)) {
        throw new VedetteError('UNAUTHORIZED', 'The token is not the one that this server expects');
      }
      reply.header('set-cookie', cookie(sessionValue(token), MAX_AGE_SECONDS));
    }
    return reply.code(204).send();
  });

  app.delete('/session', { config }, async (_request, reply) =>
    reply.header('set-cookie', cookie('', 0)).code(204).send(),
  );
};
