import type { FleetDoors } from '../deployment/fleet-doors.ts';
import { kindOf, targetName } from '../deployment/target-arn.ts';
import type { CoreDevice, Deployment } from '../greengrass/deployment-gateway.ts';
import { inParallel } from '../../component/object-store/in-parallel.ts';
import { compareDevice } from './compare-device.ts';
import type { DeviceDifference, WantedComponent } from './compare-device.ts';
import type { DeviceHealth } from './device-health.ts';

export interface FleetDevice {
  readonly device: CoreDevice;
  readonly health?: DeviceHealth;
  /** When Greengrass or the device itself said something last: 0 when never. */
  readonly lastSeenAtMs: number;
  readonly isStale: boolean;
}

export interface ComparedDevice extends FleetDevice {
  readonly differences: readonly DeviceDifference[];
}

/** Greengrass answers 30 calls a second. */
const CALLS_AT_ONCE = 6;

/** Devices of a thing group, or all, by name. */
export async function lookAtFleet(
  group: string | undefined,
  staleMs: number,
  { deployments, groups, shadows }: FleetDoors,
): Promise<FleetDevice[]> {
  const devices = await deployments.coreDevices(
    group === undefined ? undefined : groups.arnOf(group),
  );
  const health = await shadows.healthOf(devices.map(({ thing }) => thing));
  return devices
    .sort((a, b) => (a.thing < b.thing ? -1 : 1))
    .map((device) => fleetDevice(device, health.get(device.thing), staleMs));
}

export function fleetDevice(
  device: CoreDevice,
  health: DeviceHealth | undefined,
  staleMs: number,
): FleetDevice {
  const lastSeenAtMs = Math.max(device.lastStatusAtMs, health?.atMs ?? 0);
  const isStale = Date.now() - lastSeenAtMs > staleMs;
  return { device, ...(health ? { health } : {}), lastSeenAtMs, isStale };
}

/** What each device should run by the newest deployments of its targets, and does not. */
export async function compareFleet(
  devices: readonly FleetDevice[],
  doors: FleetDoors,
): Promise<ComparedDevice[]> {
  const wanted = await wantedByThing(
    devices.map(({ device }) => device.thing),
    doors,
  );
  const compared: ComparedDevice[] = [];
  await inParallel(devices.length, CALLS_AT_ONCE, async (index) => {
    const one = devices[index]!;
    const list = await doors.deployments.installed(one.device.thing);
    const installed = new Map(list.map(({ component, version }) => [component, version]));
    const roots = new Set(list.flatMap(({ component, isRoot }) => (isRoot ? component : [])));
    const wants = wanted.get(one.device.thing) ?? new Map<string, WantedComponent>();
    compared[index] = { ...one, differences: compareDevice(wants, installed, roots) };
  });
  return compared;
}

/**
 * A deployment to a part of a group stands in for the group's own where it is newer; what several
 * targets want adds up.
 */
async function wantedByThing(
  things: readonly string[],
  { deployments }: FleetDoors,
): Promise<Map<string, Map<string, WantedComponent>>> {
  const asked = new Set(things);
  const effective = new Map<string, Map<string, Deployment>>();
  for (const { deploymentId, targetArn } of await deployments.latest()) {
    const members =
      kindOf(targetArn) === 'thing'
        ? [targetName(targetArn)]
        : (await deployments.coreDevices(targetArn)).map(({ thing }) => thing);
    if (!members.some((thing) => asked.has(thing))) continue;
    const deployment = await deployments.get(deploymentId);
    const isPart = deployment.parentTargetArn !== undefined;
    if (isPart && deployment.status !== 'ACTIVE') continue;
    const slot = deployment.parentTargetArn ?? targetArn;
    for (const thing of members) {
      const byTarget = effective.get(thing) ?? new Map<string, Deployment>();
      const other = byTarget.get(slot);
      if (!other || other.createdAtMs < deployment.createdAtMs) byTarget.set(slot, deployment);
      effective.set(thing, byTarget);
    }
  }
  return new Map([...effective].map(([thing, byTarget]) => [thing, componentsOf(byTarget)]));
}

function componentsOf(byTarget: ReadonlyMap<string, Deployment>): Map<string, WantedComponent> {
  const wanted = new Map<string, WantedComponent>();
  for (const { name, deploymentId, components } of byTarget.values()) {
    for (const [component, { componentVersion = '' }] of Object.entries(components))
      wanted.set(component, { version: componentVersion, deployment: name || deploymentId });
  }
  return wanted;
}
