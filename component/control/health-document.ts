import { statfs } from 'node:fs/promises';
import {
  deviceHealthSchema,
  MAX_HEALTH_BYTES,
  type CameraHealth,
  type DeviceHealth,
  type ModelHealth,
} from '../contract/device-health.ts';
import type { SerializedError } from '../contract/errors.ts';
import type { CameraStatus, ModelStatus } from '../contract/ports.ts';
import type { EdgeRuntime } from '../edge-runtime.ts';
import { FIGURES_SECONDS, type FiguresWindow } from './camera-figures.ts';

const MAX_TEXT = 200;
const MAX_REFUSED = 8;
const MAX_HOLDS = 5;
/** The rest is for cameras. */
const MAX_MODELS_BYTES = 2000;

export type HealthRuntime = Pick<
  EdgeRuntime,
  'config' | 'version' | 'startedAtMs' | 'readiness' | 'cameras' | 'configurationStatus'
>;
export type DeliveryHealth = NonNullable<DeviceHealth['delivery']>;

export interface HealthSources {
  readonly runtime: HealthRuntime;
  readonly figures: FiguresWindow;
  readonly holds: readonly string[];
  readonly overrun?: DeviceHealth['overrun'];
  /** What was desired and is not in force, by path. */
  readonly refused: ReadonlyMap<string, SerializedError>;
  readonly delivery: DeliveryHealth | undefined;
  readonly availability: DeviceHealth['availability'];
  readonly sequence: number;
}

/** The health document, never larger than MAX_HEALTH_BYTES: cameras that run well are left out last. */
export async function composeHealth(sources: HealthSources): Promise<DeviceHealth> {
  const { runtime, figures } = sources;
  const configuration = runtime.configurationStatus();
  const { config } = runtime;
  const disk = await statfs(config.dataFolder);
  const { isReady, models } = runtime.readiness();
  const { refusal } = configuration;
  const refused = [...sources.refused].slice(0, MAX_REFUSED);
  const document: DeviceHealth = {
    schemaVersion: 1,
    thing: config.thing,
    availability: sources.availability,
    at: new Date().toISOString(),
    nextWithinSeconds: sources.availability === 'stopping' ? 0 : config.remote.heartbeatSeconds * 2,
    sequence: sources.sequence,
    version: runtime.version,
    startedAt: new Date(runtime.startedAtMs).toISOString(),
    isReady,
    holds: sources.holds.slice(0, MAX_HOLDS).map(shortened),
    ...(sources.overrun === undefined
      ? {}
      : { overrun: { ...sources.overrun, message: shortened(sources.overrun.message) } }),
    configuration: {
      hash: configuration.hash,
      inForceSince: new Date(configuration.inForceSinceMs).toISOString(),
      ...(refusal === undefined
        ? {}
        : { refusal: { at: new Date(refusal.atMs).toISOString(), ...reasonOf(refusal.error) } }),
    },
    refused: Object.fromEntries(refused.map(([path, error]) => [path, reasonOf(error)])),
    models: {},
    modelsOmitted: 0,
    cameras: {},
    camerasOmitted: 0,
    figuresSeconds: FIGURES_SECONDS,
    disk: { freeBytes: disk.bavail * disk.bsize },
    memory: { residentBytes: process.memoryUsage.rss() },
    ...(sources.delivery === undefined ? {} : { delivery: sources.delivery }),
  };
  const empty = bytesOf(document);
  const isTroubled = ({ state, reason }: { state: string; reason?: unknown }) =>
    reason !== undefined || !['ready', 'running', 'ended', 'disabled'].includes(state);
  const byTrouble = <T extends { state: string; reason?: SerializedError }>(all: readonly T[]) => [
    ...all.filter(isTroubled),
    ...all.filter((one) => !isTroubled(one)),
  ];
  const versioned = byTrouble(models).flatMap((model) => {
    const health = modelHealth(model);
    return health === undefined ? [] : [[model.name, health] as const];
  });
  const modelBudget = Math.min(MAX_MODELS_BYTES, MAX_HEALTH_BYTES - empty);
  document.models = fitting(versioned, modelBudget);
  document.modelsOmitted = versioned.length - Object.keys(document.models).length;
  const cameras = byTrouble(runtime.cameras()).map(
    (camera) => [camera.name, cameraHealth(camera, config, figures)] as const,
  );
  document.cameras = fitting(cameras, MAX_HEALTH_BYTES - bytesOf(document));
  document.camerasOmitted = cameras.length - Object.keys(document.cameras).length;
  return deviceHealthSchema.parse(document);
}

function modelHealth(model: ModelStatus): ModelHealth | undefined {
  const { lifecycle, identity, state, reason, queueDepth } = model;
  // A chain has no version of its own.
  if (lifecycle === undefined) return undefined;
  return {
    state,
    package: lifecycle.active.package,
    ...(identity === undefined
      ? {}
      : {
          version: identity.version,
          variant: identity.variant,
          executionProvider: identity.executionProvider,
        }),
    ...(reason === undefined ? {} : { reason: reason.code }),
    queue: queueDepth,
    ...(lifecycle.candidate ? { candidate: lifecycle.candidate.package } : {}),
  };
}

function cameraHealth(
  camera: CameraStatus,
  config: HealthRuntime['config'],
  figures: FiguresWindow,
): CameraHealth {
  const { isEnabled = false, captureMode = 'rules' } = config.cameras[camera.name] ?? {};
  return {
    state: camera.state,
    isEnabled,
    captureMode,
    ...(camera.reason === undefined ? {} : { reason: camera.reason.code }),
    restarts: camera.restarts,
    figures: figures.figures(camera.name),
  };
}

/** Of these as many as fit, in their order. */
function fitting<T>(
  entries: readonly (readonly [string, T])[],
  maxBytes: number,
): Record<string, T> {
  const kept: [string, T][] = [];
  let bytes = 0;
  for (const [name, value] of entries) {
    bytes += bytesOf(name) + bytesOf(value) + 2;
    if (bytes > maxBytes) break;
    kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const reasonOf = ({ code, message }: SerializedError) => ({ code, message: shortened(message) });
const shortened = (text: string): string =>
  text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
