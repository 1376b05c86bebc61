import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { createDeviceProgram } from '../component/device-program.ts';
import type { DeviceProgram } from '../component/device-program.ts';
import { addBundleCommands } from './commands/bundle.ts';
import { addComponentCommands } from './commands/component.ts';
import { addDeployCommands } from './commands/deploy.ts';
import { addDoctorAws } from './commands/doctor-aws.ts';
import { addFleetCommands } from './commands/fleet.ts';
import { addInit } from './commands/init.ts';
import { addModelPackage } from './commands/model-package.ts';
import { addPublishModel } from './commands/publish-model.ts';
import { addPublishRuntime } from './commands/publish-runtime.ts';
import { addPublishTrainingJob } from './commands/publish-training-job.ts';
import type { PublisherContext } from './commands/publisher-context.ts';
import { addServe } from './commands/serve.ts';

/** The whole command line: the device's groups and the publisher's. */
export function createPublisherProgram(
  process: NodeJS.Process,
  publisher: Pick<PublisherContext, 'stateFolder' | 'interruption'>,
): DeviceProgram {
  const { program, context: device } = createDeviceProgram(process);
  const context = { stdout: process.stdout, stderr: process.stderr, ...publisher };
  // Else options behind `doctor aws` would be taken for those of `doctor`.
  program.enablePositionalOptions();
  program.description('Runs ONNX vision models next to cameras, and publishes them to a fleet.');
  addInit(program, context);
  addModelPackage(groupOf(program, 'model'), context);
  const publish = program
    .command('publish')
    .description('make component versions that devices can have');
  addPublishModel(publish, context);
  addPublishRuntime(publish, context);
  addPublishTrainingJob(publish, context);
  addComponentCommands(program, context);
  addBundleCommands(program, context);
  addDeployCommands(program, context);
  addFleetCommands(program, context);
  const { version, readSecret } = device;
  addServe(program, { ...context, version, readSecret, program: device.program });
  addDoctorAws(groupOf(program, 'doctor'), context);
  // Last: it goes through all commands.
  tab(program);
  return { program, context: device };
}

function groupOf(program: Command, name: string): Command {
  const group = program.commands.find((command) => command.name() === name);
  if (!group) throw new Error(`the device has no command group '${name}'`);
  return group;
}
