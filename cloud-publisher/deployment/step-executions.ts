import { deviceExecution } from '../fleet/thing-groups.ts';
import type { DeviceExecution } from '../fleet/thing-groups.ts';
import type { Deployment } from '../greengrass/deployment-gateway.ts';
import type { FleetDoors } from './fleet-doors.ts';
import type { RolloutStep } from './rollout.ts';
import { kindOf, targetName } from './target-arn.ts';

/** How far a step's deployment is on its devices. */
export interface StepExecutions {
  /** Of the deployment itself: `ACTIVE` or `COMPLETED` while it takes its way. */
  readonly status: string;
  readonly reached: readonly string[];
  readonly failed: readonly { readonly thing: string; readonly status: string }[];
  /** Devices of the plan that are not done: under way, or not to be reached. */
  readonly open: readonly string[];
  /** Devices that have begun with it. */
  readonly touched: readonly string[];
}

const FAILED: ReadonlySet<string> = new Set(['FAILED', 'TIMED_OUT', 'REJECTED']);
const ENDED: ReadonlySet<string> = new Set(['SUCCEEDED', 'REMOVED', 'CANCELED', ...FAILED]);
const REASONS_ASKED = 3;

export async function stepExecutions(
  { targetArn, devices }: Pick<RolloutStep, 'targetArn' | 'devices'>,
  deploymentId: string,
  doors: FleetDoors,
): Promise<StepExecutions> {
  const deployment = await doors.deployments.get(deploymentId);
  const executions = await executionsOf(targetArn, deployment, doors);
  const all = [...new Set([...devices, ...executions.keys()])];
  const statusOf = (thing: string): string => executions.get(thing)?.status ?? 'QUEUED';
  // Somebody took a single device out of a deployment that goes on: it does not get what it was to get.
  const isFailed = (status: string): boolean =>
    FAILED.has(status) || (status === 'CANCELED' && deployment.status === 'ACTIVE');
  return {
    status: deployment.status,
    reached: all.filter((thing) => statusOf(thing) === 'SUCCEEDED'),
    failed: all.flatMap((thing) => {
      const status = statusOf(thing);
      return isFailed(status) ? { thing, status } : [];
    }),
    open: devices.filter((thing) => !ENDED.has(statusOf(thing))),
    touched: all.filter((thing) => executions.get(thing)?.isBegun),
  };
}

/** A group's deployment is a job; a thing's is not, and is asked of the device's own list. */
async function executionsOf(
  targetArn: string,
  { deploymentId, jobId }: Deployment,
  { deployments, groups }: FleetDoors,
): Promise<ReadonlyMap<string, DeviceExecution>> {
  if (kindOf(targetArn) === 'thinggroup') {
    return jobId === undefined ? new Map() : groups.executions(jobId);
  }
  const thing = targetName(targetArn);
  const found = (await deployments.effective(thing)).find(
    (one) => one.deploymentId === deploymentId,
  );
  const status = found?.status === 'COMPLETED' ? 'SUCCEEDED' : found?.status;
  return new Map(status === undefined ? [] : [[thing, deviceExecution(status)]]);
}

/** What the first of them said, for people. */
export async function failureReasons(
  failed: StepExecutions['failed'],
  deploymentId: string,
  { deployments }: FleetDoors,
): Promise<string> {
  const reasons: string[] = [];
  for (const { thing, status } of failed.slice(0, REASONS_ASKED)) {
    const list = await deployments.effective(thing);
    const reason = list.find((one) => one.deploymentId === deploymentId)?.reason ?? '';
    reasons.push(`${thing}: ${status}${reason === '' ? '' : `, ${reason}`}`);
  }
  const more = failed.length - reasons.length;
  return `${reasons.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
