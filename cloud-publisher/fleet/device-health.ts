import { deviceHealthSchema } from '../../component/contract/device-health.ts';
import type {
  CameraFigures,
  DeviceHealth as HealthDocument,
} from '../../component/contract/device-health.ts';
import { isObject } from '../deployment/json-pointer.ts';

const RUNTIME = 'io.vedette.EdgeRuntime';

/** Results of all cameras of a device over the last `seconds`. */
export interface HealthWindow {
  readonly seconds: number;
  readonly results: number;
  readonly errors: number;
  readonly verdicts: { readonly pass: number; readonly fail: number; readonly review: number };
  /** Of the slowest camera; absent without results. */
  readonly latencyP95Ms?: number;
}

/** What gates, plans and lists look at of a device's health document. */
export interface DeviceHealth {
  readonly atMs: number;
  readonly isReady: boolean;
  readonly window: HealthWindow;
  readonly freeDiskBytes: number;
  /** Why the configuration that was asked for last is not in force, and since when. */
  readonly refusal?: { readonly atMs: number; readonly text: string };
  /** Versions of components that the report tells of for certain. */
  readonly components: Readonly<Record<string, string>>;
  /** `package (state)` by the model's name. */
  readonly models: Readonly<Record<string, string>>;
}

/**
 * @param document of the shadow: its `reported` is the health document. It arrives in pieces, so that
 * it may be unreadable for a moment.
 * @returns nothing when it says nothing that can be read
 */
export function readHealth(document: string): DeviceHealth | undefined {
  let shadow: unknown;
  try {
    shadow = JSON.parse(document);
  } catch {
    return undefined;
  }
  const state = isObject(shadow) ? shadow['state'] : undefined;
  const parsed = deviceHealthSchema.safeParse(isObject(state) ? state['reported'] : undefined);
  return parsed.success ? healthOf(parsed.data) : undefined;
}

function healthOf(document: HealthDocument): DeviceHealth {
  const { at, isReady, version, models, cameras, figuresSeconds, disk, configuration } = document;
  const { refusal } = configuration;
  return {
    atMs: Date.parse(at),
    isReady,
    window: windowOf(
      figuresSeconds,
      Object.values(cameras).flatMap(({ figures }) => figures ?? []),
    ),
    freeDiskBytes: disk.freeBytes,
    ...(refusal
      ? { refusal: { atMs: Date.parse(refusal.at), text: `${refusal.code}: ${refusal.message}` } }
      : {}),
    components: { [RUNTIME]: version },
    models: Object.fromEntries(
      Object.entries(models).map(([name, one]) => [name, `${one.package} (${one.state})`]),
    ),
  };
}

function windowOf(seconds: number, cameras: readonly CameraFigures[]): HealthWindow {
  const sum = (of: (one: CameraFigures) => number) =>
    cameras.reduce((total, one) => total + of(one), 0);
  const latencies = cameras.flatMap(({ p95Ms }) => p95Ms ?? []);
  return {
    seconds,
    results: sum(({ results }) => results),
    errors: sum(({ error }) => error),
    verdicts: {
      pass: sum(({ pass }) => pass),
      fail: sum(({ fail }) => fail),
      review: sum(({ review }) => review),
    },
    ...(latencies.length === 0 ? {} : { latencyP95Ms: Math.max(...latencies) }),
  };
}
