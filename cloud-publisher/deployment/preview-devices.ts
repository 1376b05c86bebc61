import type { DeviceHealth } from '../fleet/device-health.ts';
import type { CoreDevice } from '../greengrass/deployment-gateway.ts';
import { inParallel } from '../../component/object-store/in-parallel.ts';
import { DownloadSizes } from './download-sizes.ts';
import type { FleetDoors } from './fleet-doors.ts';
import type { DeploymentPlan } from './plan-deployment.ts';
import type { PlannedStep } from './rollout.ts';

/** What is known of a device's components: what Greengrass lists, or what it was sent. */
export type PreviewBasis = 'installed' | 'deployed';

export interface VersionChange {
  readonly component: string;
  readonly from?: string;
  readonly to?: string;
}

export interface DevicePreview {
  readonly thing: string;
  readonly step: string;
  readonly status: string;
  readonly lastSeenAtMs: number;
  readonly basis: PreviewBasis;
  readonly added: readonly VersionChange[];
  readonly changed: readonly VersionChange[];
  readonly removed: readonly VersionChange[];
  readonly downloadBytes: number;
  /** Artifacts whose size is not known, so that more is downloaded than that. */
  readonly unknownSizes: readonly string[];
  readonly freeDiskBytes?: number;
  /** Less is free than the archives and what they unpack to take, at the least. */
  readonly isDiskTight: boolean;
}

/** Greengrass answers 30 calls a second: above so many devices what they were sent has to do. */
const MAX_ASKED_DEVICES = 100;
const CALLS_AT_ONCE = 6;
/** An archive and what it unpacks to lie beside each other. */
const DISK_FACTOR = 2;

/** What each device would get, in the wave in which it gets it first. */
export async function previewDevices(
  { steps, devices }: DeploymentPlan,
  doors: FleetDoors,
): Promise<DevicePreview[]> {
  const health = await doors.shadows.healthOf(devices.map(({ thing }) => thing));
  const installed = await askInstalled(devices.length <= MAX_ASKED_DEVICES ? devices : [], doors);
  const firstStep = new Map<string, PlannedStep>();
  for (const step of steps) {
    for (const thing of step.devices) if (!firstStep.has(thing)) firstStep.set(thing, step);
  }
  const sizes = new DownloadSizes(doors);
  await sizes.load(
    steps.flatMap(({ document }) =>
      Object.entries(document.components).map(([component, { componentVersion = '' }]) => ({
        component,
        version: componentVersion,
      })),
    ),
  );
  return devices.flatMap((device) => {
    const step = firstStep.get(device.thing);
    return step
      ? previewOf(device, step, health.get(device.thing), installed.get(device.thing), sizes)
      : [];
  });
}

type Versions = ReadonlyMap<string, string>;

async function askInstalled(
  devices: readonly CoreDevice[],
  { deployments }: FleetDoors,
): Promise<Map<string, Versions>> {
  const found = new Map<string, Versions>();
  await inParallel(devices.length, CALLS_AT_ONCE, async (index) => {
    const { thing } = devices[index]!;
    const list = await deployments.installed(thing);
    found.set(thing, new Map(list.map(({ component, version }) => [component, version])));
  });
  return found;
}

function previewOf(
  device: CoreDevice,
  { title, base, document, changes }: PlannedStep,
  health: DeviceHealth | undefined,
  installed: Versions | undefined,
  sizes: DownloadSizes,
): DevicePreview {
  const reported = health?.components;
  const basis: PreviewBasis = installed ? 'installed' : 'deployed';
  // A runtime reports its own version: the others are as they were deployed.
  const versionOf = (component: string): string | undefined =>
    installed
      ? installed.get(component)
      : (reported?.[component] ?? base.components[component]?.componentVersion);
  const added: VersionChange[] = [];
  const changed: VersionChange[] = [];
  let downloadBytes = 0;
  const unknownSizes: string[] = [];
  for (const [component, { componentVersion: to = '' }] of Object.entries(document.components)) {
    const from = versionOf(component);
    if (from === to) continue;
    if (from === undefined) added.push({ component, to });
    else changed.push({ component, from, to });
    const { bytes, unknown } = sizes.of(component, to, device);
    downloadBytes += bytes;
    unknownSizes.push(...unknown);
  }
  const removed = changes.flatMap(({ component, kind }) => {
    const from = kind === 'removed' ? versionOf(component) : undefined;
    return from === undefined ? [] : { component, from };
  });
  const freeDiskBytes = health?.freeDiskBytes;
  return {
    thing: device.thing,
    step: title,
    status: device.status,
    lastSeenAtMs: Math.max(device.lastStatusAtMs, health?.atMs ?? 0),
    basis,
    added,
    changed,
    removed,
    downloadBytes,
    unknownSizes,
    ...(freeDiskBytes === undefined ? {} : { freeDiskBytes }),
    isDiskTight: freeDiskBytes !== undefined && freeDiskBytes < DISK_FACTOR * downloadBytes,
  };
}
