import type { DeploymentDocument } from '../greengrass/deployment-gateway.ts';
import type { DeviceHealth } from '../fleet/device-health.ts';
import type { ComponentChange } from './apply-component-set.ts';
import type { DeploymentFile } from './deployment-file.ts';

/** `held` waits for a person; `failed` could not be rolled back by itself. */
export type RolloutState =
  'planned' | 'running' | 'held' | 'rolling-back' | 'completed' | 'rolled-back' | 'failed';

/**
 * `waiting` → `creating` (the deployment may exist already) → `deploying` → `soaking` → `passed`.
 * `stopped` was under way when the roll-out stopped.
 */
export type StepState = 'waiting' | 'creating' | 'deploying' | 'soaking' | 'passed' | 'stopped';

/** What happens to one target: a wave, or its way back. */
export interface PlannedStep {
  readonly kind: 'wave' | 'roll-back';
  readonly title: string;
  readonly targetArn: string;
  /** Set for a part of a thing group: the deployment stands in for the whole group's there. */
  readonly parentTargetArn?: string;
  /** The newest of the whole group when the part was planned; `null` for none. */
  readonly parentDeploymentId?: string | null;
  /** Whether the thing group is made for this wave, and removed at the end. */
  readonly isGroupMade: boolean;
  readonly soakMs: number;
  readonly deviceTimeoutMs: number;
  /** What the target's newest deployment must be when this one replaces it; `null` for none. */
  readonly baseDeploymentId: string | null;
  readonly base: DeploymentDocument;
  readonly document: DeploymentDocument;
  readonly changes: readonly ComponentChange[];
  readonly devices: readonly string[];
  /**
   * Of a way back: the deployment of somebody else that the wave replaced unseen, and that comes back
   * in its place.
   */
  readonly restoredDeploymentId?: string;
}

export interface RolloutStep extends PlannedStep {
  readonly position: number;
  readonly state: StepState;
  readonly clientToken: string;
  readonly deploymentId?: string;
  /** Health of its devices before, by thing. */
  readonly baseline: Readonly<Record<string, DeviceHealth>>;
  /** Devices that have the deployment. */
  readonly reached: readonly string[];
  /** Devices that have begun with it, however it ended there: what they have is not what they had. */
  readonly touched: readonly string[];
  readonly beganAtMs?: number;
  /** When its devices had it, or their time was up. */
  readonly deployedAtMs?: number;
  /** When its deployment was asked of AWS: it may be there from then on. */
  readonly requestedAtMs?: number;
}

export interface Rollout {
  readonly id: string;
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly file: DeploymentFile;
  readonly state: RolloutState;
  /** Why it is in this state, for people. */
  readonly reason: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly steps: readonly RolloutStep[];
}

export const ENDED: ReadonlySet<RolloutState> = new Set(['completed', 'rolled-back', 'failed']);

/** Found again among a target's deployments, whatever became of the process that made it. */
export const deploymentName = (
  rollout: Pick<Rollout, 'id' | 'name'>,
  step: { readonly title: string; readonly position: number },
): string => `${rollout.name}: ${step.title} [vedette ${rollout.id}.${step.position}]`.slice(-256);

/** Whether a deployment is the way back of some roll-out, whoever has its records. */
export const isNameOfWayBack = (name: string): boolean =>
  /: back: .* \[vedette [\w-]+\.\d+\]$/.test(name);

/** What was planned of a step, without how far it came. */
export const plannedStep = (step: RolloutStep): PlannedStep => ({
  kind: step.kind,
  title: step.title,
  targetArn: step.targetArn,
  ...(step.parentTargetArn === undefined ? {} : { parentTargetArn: step.parentTargetArn }),
  ...(step.parentDeploymentId === undefined ? {} : { parentDeploymentId: step.parentDeploymentId }),
  isGroupMade: step.isGroupMade,
  soakMs: step.soakMs,
  deviceTimeoutMs: step.deviceTimeoutMs,
  baseDeploymentId: step.baseDeploymentId,
  base: step.base,
  document: step.document,
  changes: step.changes,
  devices: step.devices,
  ...(step.restoredDeploymentId === undefined
    ? {}
    : { restoredDeploymentId: step.restoredDeploymentId }),
});
