import { access } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { outcomeSchema } from '../../component/contract/result.ts';
import { parseRequestValue } from '../request-values.ts';
import { cursor, pageSize } from './results.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const captureQuery = z.strictObject({
  camera: z.string().min(1).max(200).optional(),
  outcome: outcomeSchema.optional(),
  limit: pageSize,
  cursor,
});

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
};

export const captureRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  await app.register(fastifyStatic, { serve: false });
  app.get('/captures', async (request) => {
    const query = parseRequestValue(captureQuery, request.query, 'query');
    return runtime.captures({
      limit: query.limit,
      ...(query.camera === undefined ? {} : { camera: query.camera }),
      ...(query.outcome === undefined ? {} : { outcome: query.outcome }),
      ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
    });
  });

  app.get<{ Params: { id: string } }>('/captures/:id', async (request) => {
    const { capture } = await runtime.capture(request.params.id);
    return capture;
  });

  app.get<{ Params: { id: string } }>('/clips/:id', async (request, reply) => {
    const file = await runtime.clipFile(request.params.id);
    return sendFile(reply, file, `The clip ${request.params.id}`, 'video/mp4');
  });

  app.get<{ Params: { id: string } }>('/captures/:id/image', async (request, reply) => {
    const { capture, imageFile } = await runtime.capture(request.params.id);
    const type = CONTENT_TYPES[extname(imageFile).toLowerCase()] ?? 'application/octet-stream';
    return sendFile(reply, imageFile, `The picture of capture ${capture.id}`, type);
  });
};

/** A file that never changes, or the range of it that is asked for, as players do. */
async function sendFile(
  reply: FastifyReply,
  file: string,
  what: string,
  type: string,
): Promise<FastifyReply> {
  await access(file).catch((cause: unknown) => {
    throw new VedetteError('NOT_FOUND', `${what} is gone`, { cause });
  });
  return reply
    .header('cache-control', 'private, max-age=3600, immutable')
    .type(type)
    .sendFile(basename(file), dirname(file), { cacheControl: false, contentType: false });
}
