import type { Command } from 'commander';
import { addDeployPlan } from './deploy-plan.ts';
import { addDeployRollout } from './deploy-rollout.ts';
import { addDeployStatus } from './deploy-status.ts';
import type { PublisherContext } from './publisher-context.ts';

/** `vedette deploy plan|apply|status|watch|hold|resume|rollback` */
export function addDeployCommands(program: Command, context: PublisherContext): void {
  const deploy = program
    .command('deploy')
    .description('bring component versions to devices in waves that stop by themselves');
  addDeployPlan(deploy, context);
  addDeployRollout(deploy, context);
  addDeployStatus(deploy, context);
}
