import type { Rollout, RolloutStep } from './rollout.ts';
import { kindOf, targetName } from './target-arn.ts';

/** Every call that carrying the roll-out out would make, one a line, when nothing goes wrong. */
export function listRolloutCalls({ steps }: Pick<Rollout, 'steps'>): string[] {
  const waves = steps.filter(({ kind }) => kind === 'wave');
  return [...waves.flatMap(callsOfWave), ...waves.flatMap(callsOfCleanUp)];
}

function callsOfWave({
  targetArn,
  parentTargetArn,
  isGroupMade,
  devices,
  document,
  title,
}: RolloutStep): string[] {
  const set = Object.entries(document.components).map(
    ([component, { componentVersion }]) => `${component} ${componentVersion}`,
  );
  const isGroup = kindOf(targetArn) === 'thinggroup';
  return [
    `iot:GetThingShadow of ${devices.length} devices, for how they were before`,
    ...(isGroupMade
      ? [
          `iot:CreateThingGroup ${targetName(targetArn)}`,
          `iot:AddThingToThingGroup ${targetName(targetArn)}, ${devices.length} times`,
        ]
      : []),
    `greengrass:ListDeployments ${targetArn}, before and after`,
    ...(parentTargetArn === undefined
      ? []
      : [
          `greengrass:GetDeployment of the newest of ${parentTargetArn}, if it is still that of the plan`,
        ]),
    `greengrass:CreateDeployment ${targetArn} (${title}): ${set.join(', ')}`,
    isGroup
      ? `greengrass:GetDeployment and iot:ListJobExecutionsForJob, until its devices have it`
      : `greengrass:ListEffectiveDeployments ${targetName(targetArn)}, until it has it`,
    `iot:GetThingShadow of ${devices.length} devices, while they are watched`,
  ];
}

const callsOfCleanUp = ({ targetArn, parentTargetArn, isGroupMade }: RolloutStep): string[] =>
  parentTargetArn === undefined
    ? []
    : [
        `greengrass:CancelDeployment of the newest of ${targetArn}, at the end`,
        ...(isGroupMade ? [`iot:DeleteThingGroup ${targetName(targetArn)}`] : []),
      ];
