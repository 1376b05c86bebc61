import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { DeploymentFile } from '../deployment/deployment-file.ts';
import type { FleetDoors } from '../deployment/fleet-doors.ts';
import { withBundle } from '../deployment/with-bundle.ts';
import { planDeployment } from '../deployment/plan-deployment.ts';
import { previewDevices } from '../deployment/preview-devices.ts';
import { repeatedResets } from '../deployment/repeated-resets.ts';
import { unreachedDefaults } from '../deployment/unreached-defaults.ts';
import { readDeploymentFile } from '../deployment/read-deployment-file.ts';
import type { RolloutRecords } from '../registry/rollout-records.ts';
import type { PublisherContext } from './publisher-context.ts';
import { showDeploymentPlan } from './show-deployment-plan.ts';
import type { MadePlan } from './show-deployment-plan.ts';
import { showPhases } from './show-phases.ts';
import { withFleet, withFleetOptions, withRollouts } from './with-fleet.ts';
import type { FleetOptions } from './with-fleet.ts';

const ID_CHARACTERS = 8;

/** `vedette deploy plan` */
export function addDeployPlan(deploy: Command, context: PublisherContext): void {
  withFleetOptions(
    deploy
      .command('plan')
      .description('show what each device would get, and in which waves; nothing is deployed')
      .argument('<file>', 'deployment file (YAML or JSON)'),
  ).action((file: string, options: FleetOptions) => planCommand(file, options, context));
}

async function planCommand(
  file: string,
  options: FleetOptions,
  context: PublisherContext,
): Promise<void> {
  const { phase } = showPhases(context, options.json === true);
  await withRollouts(options, context, async (records) => {
    // Before AWS is asked for anything: what is wrong here needs no credentials.
    const wanted = await readWanted(file, records);
    await withFleet(options, async (doors) => {
      const plan = await phase('plan', (note) => makePlan(wanted, doors, records, note));
      showDeploymentPlan(plan, options, context);
    });
  });
}

/** What a deployment file asks for, with the bundle that it names. */
export const readWanted = async (path: string, records: RolloutRecords): Promise<DeploymentFile> =>
  withBundle(await readDeploymentFile(path), records.bundles);

/** Plans, looks at every device and records it as what `deploy apply` takes. */
export async function makePlan(
  file: DeploymentFile,
  doors: FleetDoors,
  records: RolloutRecords,
  note: (text: string) => void,
): Promise<MadePlan> {
  const id = randomUUID().replaceAll('-', '').slice(0, ID_CHARACTERS);
  const plan = await planDeployment(file, id, doors);
  note(`${plan.devices.length} devices in ${plan.steps.length} waves`);
  const devices = await previewDevices(plan, doors);
  const warnings = [...(await unreachedDefaults(plan.steps, doors)), ...repeatedResets(plan.steps)];
  const { accountId: account, region } = doors;
  await records.plan({ id, file, account, region, steps: plan.steps });
  return { id, name: file.name, steps: plan.steps, devices, warnings };
}
