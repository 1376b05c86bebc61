import { VedetteError } from '../../component/contract/errors.ts';
import type {
  CoreDevice,
  Deployment,
  DeploymentDocument,
} from '../greengrass/deployment-gateway.ts';
import { applyComponentSet } from './apply-component-set.ts';
import { baseDocument } from './base-document.ts';
import { chooseDevices } from './choose-devices.ts';
import type { DeploymentFile, Wave } from './deployment-file.ts';
import { checkDocument } from './document-limits.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { rollBackDocument } from './roll-back-document.ts';
import type { PlannedStep } from './rollout.ts';
import { kindOf, targetArn, targetName } from './target-arn.ts';

const MINUTE_MS = 60_000;
const LITE = 'aws_nucleus_lite';

export interface DeploymentPlan {
  readonly steps: readonly PlannedStep[];
  readonly devices: readonly CoreDevice[];
}

type StepTarget = Pick<PlannedStep, 'title' | 'targetArn' | 'parentTargetArn' | 'isGroupMade'> & {
  readonly wave?: Wave;
  readonly devices: readonly string[];
  readonly base: Deployment | undefined;
  /** What the target's newest deployment is, when that is not the base. */
  readonly newest: Deployment | undefined;
};

/**
 * What would be deployed where, in which order, in the place of what is there now.
 * @param id of the roll-out: groups that are made for waves carry it
 * @throws VedetteError DEPLOYMENT_INVALID, DEPLOYMENT_TOO_LARGE, and those of AWS' calls
 */
export async function planDeployment(
  file: DeploymentFile,
  id: string,
  doors: FleetDoors,
): Promise<DeploymentPlan> {
  const devices = new Map<string, CoreDevice>();
  const problems: string[] = [];
  const targets = await stepTargets(file, id, doors, devices, problems);
  const arns = targets.map((one) => one.targetArn);
  for (const arn of new Set(arns.filter((one, at) => arns.indexOf(one) !== at)))
    problems.push(`${targetName(arn)} is the target of two waves`);
  if (problems.length > 0) {
    throw new VedetteError('DEPLOYMENT_INVALID', `${file.name}: ${problems.join('; ')}`, {
      details: { problems },
    });
  }
  const bases = new Map<string | undefined, DeploymentDocument>();
  for (const { base } of targets) {
    const key = base?.deploymentId;
    if (!bases.has(key)) bases.set(key, await baseDocument(base, doors));
  }
  const steps = targets
    .map((target) => stepFor(target, bases.get(target.base?.deploymentId)!, file))
    .filter((one) => isChange(one));
  if (steps.length > 0) return { steps, devices: [...devices.values()] };
  throw new VedetteError(
    'DEPLOYMENT_INVALID',
    `${file.name}: ${arns.map(targetName).join(', ')} has all of it already`,
  );
}

async function stepTargets(
  file: DeploymentFile,
  id: string,
  doors: FleetDoors,
  devices: Map<string, CoreDevice>,
  problems: string[],
): Promise<StepTarget[]> {
  const whole = file.target === undefined ? undefined : targetArn(file.target, doors.iotArn);
  const [base, all] = await Promise.all([
    whole === undefined ? undefined : doors.deployments.latestFor(whole),
    whole === undefined ? [] : thingsOf(whole),
  ]);
  const taken = new Set<string>();
  const found: StepTarget[] = [];
  for (const [index, wave] of file.waves.entries()) {
    const step = await (wave.target === undefined ? part(wave, index) : separate(wave));
    if (step.devices.length === 0) problems.push(`wave ${index + 1} has no core device`);
    for (const thing of step.devices) taken.add(thing);
    found.push({ ...step, wave });
  }
  if (whole === undefined) return found;
  if (all.length === 0) problems.push(`${targetName(whole)} has no core device`);
  const title = `all of ${targetName(whole)}`;
  return [
    ...found,
    { title, targetArn: whole, isGroupMade: false, devices: all, base, newest: base },
  ];

  async function thingsOf(arn: string): Promise<string[]> {
    const one =
      kindOf(arn) === 'thing'
        ? [await doors.deployments.coreDevice(targetName(arn))]
        : await doors.deployments.coreDevices(arn);
    return one.flatMap((device) => {
      if (!device) return [];
      devices.set(device.thing, device);
      return device.thing;
    });
  }

  async function separate({ target }: Wave): Promise<StepTarget> {
    const arn = targetArn(target!, doors.iotArn);
    const [own, things] = await Promise.all([doors.deployments.latestFor(arn), thingsOf(arn)]);
    const title = targetName(arn);
    return { title, targetArn: arn, isGroupMade: false, devices: things, base: own, newest: own };
  }

  /** Some devices of the target, by a deployment that stands in for the target's own there. */
  async function part({ group, percent }: Wave, index: number): Promise<StepTarget> {
    const isGroupMade = group === undefined;
    const name = group ?? `vedette-${id}-${index + 1}`;
    const arn = doors.groups.arnOf(name);
    const title = isGroupMade ? `${percent} % of ${targetName(whole!)}` : name;
    const things = isGroupMade
      ? chooseDevices(all, taken, percent!, file.name)
      : await thingsOf(arn);
    const newest = isGroupMade ? undefined : await doors.deployments.latestFor(arn);
    const members = new Set(all);
    const foreign = things.filter((thing) => !members.has(thing));
    if (foreign.length > 0)
      problems.push(
        `wave ${index + 1}: ${some(foreign)} of ${name} is not in ${targetName(whole!)}`,
      );
    if (newest && newest.parentTargetArn !== whole)
      problems.push(
        `wave ${index + 1}: ${name} has a deployment of its own; write target: thinggroup/${name} to change that one`,
      );
    const lite = things.filter((thing) => devices.get(thing)?.runtime === LITE);
    if (lite.length > 0)
      problems.push(
        `wave ${index + 1}: ${some(lite)} runs nucleus lite, which has no subdeployments; give these devices a group with a deployment of its own and name it as target`,
      );
    const parentTargetArn = whole!;
    return { title, targetArn: arn, parentTargetArn, isGroupMade, devices: things, base, newest };
  }
}

function stepFor(
  target: StepTarget,
  document: DeploymentDocument,
  file: DeploymentFile,
): PlannedStep {
  const { base, newest, wave, title, targetArn: arn, parentTargetArn, isGroupMade } = target;
  const { components, changes } = applyComponentSet(
    document.components,
    file.components,
    file.remove,
  );
  const wanted = {
    ...document,
    ...(file.deploymentPolicies ? { deploymentPolicies: file.deploymentPolicies } : {}),
    ...(file.iotJobConfiguration ? { iotJobConfiguration: file.iotJobConfiguration } : {}),
    components,
  } as PlannedStep['document'];
  checkDocument(arn, wanted);
  checkDocument(arn, rollBackDocument(document, components));
  return {
    kind: 'wave',
    title,
    targetArn: arn,
    ...(parentTargetArn === undefined
      ? {}
      : { parentTargetArn, parentDeploymentId: base?.deploymentId ?? null }),
    isGroupMade,
    soakMs: (wave?.soakMinutes ?? file.soakMinutes) * MINUTE_MS,
    deviceTimeoutMs: (wave?.deviceTimeoutMinutes ?? file.deviceTimeoutMinutes) * MINUTE_MS,
    baseDeploymentId: newest?.deploymentId ?? null,
    base: document,
    document: wanted,
    changes,
    devices: target.devices,
  };
}

const isChange = (step: PlannedStep): boolean => step.changes.length > 0;

const some = (things: readonly string[]): string =>
  things.length <= 3
    ? things.join(', ')
    : `${things.slice(0, 3).join(', ')} and ${things.length - 3} more`;
