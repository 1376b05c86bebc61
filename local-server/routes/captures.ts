import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import type { FastifyPluginAsync } from 'fastify';
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
    const file = await open(await runtime.clipFile(request.params.id));
    const { size } = await file.stat();
    reply.headers({
      'content-type': 'video/mp4',
      'content-length': size,
      'cache-control': 'private, max-age=3600, immutable',
    });
    return reply.send(file.createReadStream());
  });

  app.get<{ Params: { id: string } }>('/captures/:id/image', async (request, reply) => {
    const { capture, imageFile } = await runtime.capture(request.params.id);
    const file = await open(imageFile).catch((cause: unknown) => {
      throw new VedetteError('NOT_FOUND', `The picture of capture ${capture.id} is gone`, {
        cause,
      });
    });
    const { size } = await file.stat();
    reply.headers({
      'content-type': CONTENT_TYPES[extname(imageFile).toLowerCase()] ?? 'application/octet-stream',
      'content-length': size,
      'cache-control': 'private, max-age=3600, immutable',
    });
    return reply.send(file.createReadStream());
  });
};
