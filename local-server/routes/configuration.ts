import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import type { ConfigurationControl } from '../../component/edge-runtime.ts';
import { parseRequestValue } from '../request-values.ts';
import { pageSize } from './results.ts';
import type { RuntimeOptions } from './runtime-options.ts';

const settingsQuery = z.strictObject({ only: z.string().min(1).max(1000).optional() });
const changesQuery = z.strictObject({ limit: pageSize });
const mergePatch = z.record(z.string(), z.unknown());

/** What is configured, who set it, and the part that a station sets itself. */
export const configurationRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  const control = (): ConfigurationControl => {
    if (runtime.configurationControl) return runtime.configurationControl;
    throw new VedetteError('NOT_FOUND', 'This runtime has no layers of configuration');
  };

  app.get('/configuration', async () => runtime.configurationStatus());

  app.get('/configuration/settings', async (request) => {
    const { only } = parseRequestValue(settingsQuery, request.query, 'query');
    const isAsked = (path: string) =>
      only === undefined || path === only || path.startsWith(`${only}.`);
    return {
      items: control()
        .explain()
        .filter(({ path }) => isAsked(path)),
    };
  });

  app.get('/configuration/changes', async (request) => {
    const { limit } = parseRequestValue(changesQuery, request.query, 'query');
    return { items: await control().changes(limit) };
  });

  app.get('/configuration/station', async () => control().stationSettings());

  app.patch('/configuration/station', async (request) => {
    const patch = parseRequestValue(mergePatch, request.body, 'body');
    return control().changeStation(patch, `http ${request.ip}`);
  });
};
