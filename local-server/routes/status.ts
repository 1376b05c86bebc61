import type { FastifyPluginAsync } from 'fastify';
import type { ConfigurationStatus } from '../../component/contract/configuration-status.ts';
import type { EdgeRuntime } from '../../component/edge-runtime.ts';
import type { RuntimeOptions } from './runtime-options.ts';

export interface DeviceStatus {
  readonly version: string;
  readonly thing: string;
  /** The device's clock at the answer. */
  readonly time: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly isStarted: boolean;
  readonly isReady: boolean;
  readonly configuration: ConfigurationStatus;
}

export function deviceStatus(runtime: EdgeRuntime): DeviceStatus {
  return {
    version: runtime.version,
    thing: runtime.config.thing,
    time: new Date().toISOString(),
    startedAt: new Date(runtime.startedAtMs).toISOString(),
    uptimeSeconds: Math.floor((Date.now() - runtime.startedAtMs) / 1000),
    isStarted: runtime.isStarted,
    isReady: runtime.readiness().isReady,
    configuration: runtime.configurationStatus(),
  };
}

export const statusRoutes: FastifyPluginAsync<RuntimeOptions> = async (app, { runtime }) => {
  app.get('/status', async () => deviceStatus(runtime));
};
