import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { DeploymentFile } from '../deployment/deployment-file.ts';
import type { PlannedStep, Rollout, RolloutStep } from '../deployment/rollout.ts';
import type { RolloutTables } from './rollout-tables.ts';

export const newStep = (rollout_id: string, position: number, plan: PlannedStep) => ({
  rollout_id,
  position,
  plan: JSON.stringify(plan),
  state: 'waiting' as const,
  client_token: randomUUID(),
  deployment_id: null,
  baseline: '{}',
  reached: '[]',
  touched: '[]',
  began_at_ms: null,
  deployed_at_ms: null,
  requested_at_ms: null,
});

/** One of a list: how far it is, without what it is. */
export type RolloutLine = Omit<Rollout, 'steps' | 'file'>;

export const lineOf = (
  row: Omit<Selectable<RolloutTables['rollouts']>, 'file' | 'lease_owner' | 'lease_until_ms'>,
): RolloutLine => ({
  id: row.id,
  name: row.name,
  account: row.account,
  region: row.region,
  state: row.state,
  reason: row.reason,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
});

export const rolloutOf = (row: Selectable<RolloutTables['rollouts']>): Omit<Rollout, 'steps'> => ({
  ...lineOf(row),
  file: JSON.parse(row.file) as DeploymentFile,
});

export const stepOf = (row: Selectable<RolloutTables['rollout_steps']>): RolloutStep => ({
  ...(JSON.parse(row.plan) as PlannedStep),
  position: row.position,
  state: row.state,
  clientToken: row.client_token,
  baseline: JSON.parse(row.baseline) as RolloutStep['baseline'],
  reached: JSON.parse(row.reached) as string[],
  touched: JSON.parse(row.touched) as string[],
  ...(row.deployment_id === null ? {} : { deploymentId: row.deployment_id }),
  ...(row.began_at_ms === null ? {} : { beganAtMs: row.began_at_ms }),
  ...(row.deployed_at_ms === null ? {} : { deployedAtMs: row.deployed_at_ms }),
  ...(row.requested_at_ms === null ? {} : { requestedAtMs: row.requested_at_ms }),
});
