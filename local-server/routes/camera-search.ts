import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { z } from 'zod';
import { discoverCameras } from '../../component/camera/discovery/discover-cameras.ts';
import { discoveryTarget } from '../../component/camera/discovery/ws-discovery.ts';
import { probeSource } from '../../component/camera/probe-source.ts';
import { VedetteError } from '../../component/contract/errors.ts';
import { probedCamera } from '../probed-camera.ts';
import { parseRequestValue } from '../request-values.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const username = z.string().min(1).max(200).optional();
const password = z.string().max(1000).optional();

const discoveryBody = z.strictObject({
  seconds: z.number().min(0.2).max(10).default(3),
  address: z.string().max(100).optional(),
  username,
  password,
});

const probeBody = z.strictObject({
  source: z.record(z.string(), z.unknown()),
  password,
  seconds: z.number().min(0.1).max(10).default(3),
  timeoutSeconds: z.number().min(0.1).max(30).default(15),
});

/** Cameras that answer slowly are asked no longer than this. */
const STREAMS_MS = 15_000;
const BODY = { bodyLimit: 16_384 };

/** Which cameras there are, and what one of them gives, before it is in any configuration. */
export const cameraSearchRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  const running = new Map<string, AbortController>();
  app.addHook('preClose', async () => {
    for (const one of running.values()) {
      one.abort(new VedetteError('SHUTTING_DOWN', 'The process is stopping'));
    }
  });

  /** One of a kind at a time, and no longer than somebody waits for it. */
  const alone = async <T>(
    what: string,
    reply: FastifyReply,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    if (running.has(what)) {
      throw new VedetteError('OVERLOADED', `${what} is under way; there is one at a time`);
    }
    const stop = new AbortController();
    running.set(what, stop);
    const leave = () => stop.abort(new VedetteError('SHUTTING_DOWN', 'Nobody waits any longer'));
    reply.raw.once('close', leave);
    try {
      return await run(stop.signal);
    } finally {
      reply.raw.off('close', leave);
      running.delete(what);
    }
  };

  app.post('/camera-discovery', BODY, async (request, reply) => {
    const body = parseRequestValue(discoveryBody, request.body ?? {}, 'body');
    const { address } = body;
    const target = address === undefined ? undefined : discoveryTarget(address, '`address`');
    if (body.username === undefined && body.password !== undefined) {
      throw new VedetteError('REQUEST_INVALID', '`password` is of nobody; send `username` too');
    }
    return alone('A search for cameras', reply, (signal) =>
      discoverCameras({
        durationMs: body.seconds * 1000,
        ffmpegPath: runtime.config.ffmpeg.path,
        signal: AbortSignal.any([signal, AbortSignal.timeout(body.seconds * 1000 + STREAMS_MS)]),
        ...(target === undefined ? {} : { target }),
        ...(body.username === undefined
          ? {}
          : { login: { username: body.username, password: body.password ?? '' } }),
      }),
    );
  });

  app.post('/camera-probe', BODY, async (request, reply) => {
    const body = parseRequestValue(probeBody, request.body, 'body');
    const { camera, driver } = await probedCamera(
      body.source,
      body.password,
      runtime.config.ffmpeg.path,
    );
    const { still, ...seen } = await alone('A try of a camera', reply, (signal) =>
      probeSource(driver, {
        durationMs: body.seconds * 1000,
        openingMs: body.timeoutSeconds * 1000,
        maxFrameBytes: camera.maxFrameBytes,
        signal,
      }),
    );
    const base64 = Buffer.from(still.bytes).toString('base64');
    return { ...seen, still: { contentType: `image/${still.format}`, base64 } };
  });
};
