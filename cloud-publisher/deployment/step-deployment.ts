import { isDeepStrictEqual } from 'node:util';
import type { DeploymentDocument, DeploymentSummary } from '../greengrass/deployment-gateway.ts';
import { applyComponentSet } from './apply-component-set.ts';
import { baseDocument } from './base-document.ts';
import { checkDocument } from './document-limits.ts';
import type { FleetDoors } from './fleet-doors.ts';
import { deploymentName } from './rollout.ts';
import type { PlannedStep, Rollout, RolloutStep } from './rollout.ts';
import { targetName } from './target-arn.ts';

export const ROLLOUT_TAG = 'vedette:rollout';

/**
 * `made`: the step's deployment is there and the newest. `changed`: others deployed to the target
 * since, and the step was planned anew on theirs. `refused`: nothing was made, or what was made needs
 * a person.
 */
export type StepDeployment =
  | { readonly kind: 'made'; readonly deploymentId: string }
  | { readonly kind: 'changed'; readonly plan: PlannedStep }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The roll-out was held: nothing was asked for. */
  | { readonly kind: 'stopped' };

/**
 * Makes the deployment of a step once, however often this is called: one that is there already is
 * found by its name, one under way by its token. Greengrass takes no condition with a deployment, so
 * the target is read right before and right after.
 * @param mayRequest asked right before it is made, and written down
 */
export async function makeStepDeployment(
  rollout: Rollout,
  step: RolloutStep,
  doors: FleetDoors,
  mayRequest: () => Promise<boolean>,
): Promise<StepDeployment> {
  const { deployments } = doors;
  const name = deploymentName(rollout, step);
  const before = await deployments.history(step.targetArn);
  const made = before.find((one) => one.name === name);
  if (made) return checked(made.deploymentId, before, step);
  const newest = before[0]?.deploymentId ?? null;
  if (newest !== step.baseDeploymentId || (await isParentChanged(step, doors)))
    return planAnew(rollout, step, newest, doors);
  if (!(await mayRequest())) return { kind: 'stopped' };
  const deploymentId = await deployments.create({
    ...step.document,
    targetArn: step.targetArn,
    ...(step.parentTargetArn === undefined ? {} : { parentTargetArn: step.parentTargetArn }),
    name,
    tags: { [ROLLOUT_TAG]: rollout.id },
    clientToken: step.clientToken,
  });
  return checked(deploymentId, await deployments.history(step.targetArn), step);
}

/** Whether it stands in the place of what it was planned for, and nothing in its own place. */
function checked(
  deploymentId: string,
  history: readonly DeploymentSummary[],
  step: RolloutStep,
): StepDeployment {
  const at = history.findIndex((one) => one.deploymentId === deploymentId);
  if (at > 0) return { kind: 'refused', reason: replacedReason(step, history[0]!.name) };
  const between = history[at + 1];
  if (at < 0 || (between?.deploymentId ?? null) === step.baseDeploymentId)
    return { kind: 'made', deploymentId };
  return {
    kind: 'refused',
    reason: `while the deployment of ${step.title} was made, '${between?.name}' (${between?.deploymentId}) came in between and was replaced: put what it brought into a deployment of its own again`,
  };
}

export const replacedReason = ({ title, targetArn }: RolloutStep, name: string): string =>
  `the deployment of ${title} was replaced by '${name}', which is not of this roll-out: look at ${targetName(targetArn)} and plan again`;

async function isParentChanged(
  { parentTargetArn, parentDeploymentId, kind }: RolloutStep,
  { deployments }: FleetDoors,
): Promise<boolean> {
  if (parentTargetArn === undefined || kind === 'roll-back') return false;
  const newest = await deployments.latestFor(parentTargetArn);
  return (newest?.deploymentId ?? null) !== parentDeploymentId;
}

/** What others put there is kept; where they changed the same components, a person decides. */
async function planAnew(
  { file }: Rollout,
  step: RolloutStep,
  newestId: string | null,
  doors: FleetDoors,
): Promise<StepDeployment> {
  const where = targetName(step.targetArn);
  if (step.kind === 'roll-back') {
    return {
      kind: 'refused',
      reason: `${where} has another deployment (${newestId ?? 'none'}) than the one that was to be taken back; it was left as it is`,
    };
  }
  const isPart = step.parentTargetArn !== undefined;
  const current = await doors.deployments.latestFor(step.parentTargetArn ?? step.targetArn);
  const base = await baseDocument(current, doors);
  const touched = step.changes.filter(
    ({ component }) =>
      !isDeepStrictEqual(base.components[component], step.base.components[component]),
  );
  if (touched.length > 0) {
    const names = touched.map(({ component }) => component).join(', ');
    return {
      kind: 'refused',
      reason: `somebody else deployed to ${where} since it was planned, and changed ${names} too: plan again`,
    };
  }
  const { components, changes } = applyComponentSet(base.components, file.components, file.remove);
  const document = { ...base, ...policiesOf(step.document), components };
  checkDocument(step.targetArn, document);
  const { kind, title, targetArn, isGroupMade, soakMs, deviceTimeoutMs, devices } = step;
  const plan: PlannedStep = {
    ...{ kind, title, targetArn, isGroupMade, soakMs, deviceTimeoutMs, devices },
    ...(isPart
      ? {
          parentTargetArn: step.parentTargetArn!,
          parentDeploymentId: current?.deploymentId ?? null,
        }
      : {}),
    baseDeploymentId: newestId,
    base,
    document,
    changes,
  };
  return { kind: 'changed', plan };
}

const policiesOf = ({ components: _, ...policies }: DeploymentDocument) => policies;
