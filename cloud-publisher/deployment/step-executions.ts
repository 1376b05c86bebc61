import type { ExecutionStatus } from '../fleet/thing-groups.ts';
import type { FleetDoors } from './fleet-doors.ts';
import type { RolloutStep } from './rollout.ts';
import { kindOf, targetName } from './target-arn.ts';

/** How far a step's deployment is on its devices. */
export interface StepExecutions {
  readonly reached: readonly string[];
  readonly failed: readonly { readonly thing: string; readonly status: string }[];
  /** Devices of the plan that are not done: under way, or not to be reached. */
  readonly open: readonly string[];
}

const FAILED: ReadonlySet<string> = new Set(['FAILED', 'TIMED_OUT', 'REJECTED']);
const ENDED: ReadonlySet<string> = new Set(['SUCCEEDED', 'REMOVED', 'CANCELED', ...FAILED]);
const REASONS_ASKED = 3;

export async function stepExecutions(
  { targetArn, devices, deploymentId }: RolloutStep,
  doors: FleetDoors,
): Promise<StepExecutions> {
  const status = await statuses(targetArn, deploymentId!, doors);
  const all = [...new Set([...devices, ...status.keys()])];
  return {
    reached: all.filter((thing) => status.get(thing) === 'SUCCEEDED'),
    failed: all.flatMap((thing) => {
      const one = status.get(thing) ?? '';
      return FAILED.has(one) ? { thing, status: one } : [];
    }),
    open: devices.filter((thing) => !ENDED.has(status.get(thing) ?? 'QUEUED')),
  };
}

/** A group's deployment is a job; a thing's is not, and is asked of the device's own list. */
async function statuses(
  targetArn: string,
  deploymentId: string,
  { deployments, groups }: FleetDoors,
): Promise<ReadonlyMap<string, ExecutionStatus | string>> {
  if (kindOf(targetArn) === 'thinggroup') {
    const { jobId } = await deployments.get(deploymentId);
    return jobId === undefined ? new Map() : groups.executions(jobId);
  }
  const thing = targetName(targetArn);
  const found = (await deployments.effective(thing)).find(
    (one) => one.deploymentId === deploymentId,
  );
  return new Map(found ? [[thing, found.status === 'COMPLETED' ? 'SUCCEEDED' : found.status]] : []);
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
