#!/usr/bin/env node
import { join } from 'node:path';
import { exitCodeOf } from '../component/commands/command-context.ts';
import { VedetteError } from '../component/contract/errors.ts';
import { createDeviceProgram } from '../component/device-program.ts';
import { addBundleCommands } from './commands/bundle.ts';
import { addComponentCommands } from './commands/component.ts';
import { addDeployCommands } from './commands/deploy.ts';
import { addFleetCommands } from './commands/fleet.ts';
import { addModelPackage } from './commands/model-package.ts';
import { addPublishModel } from './commands/publish-model.ts';
import type { PublisherContext } from './commands/publisher-context.ts';

/** Refused by the remote side: the same call will be refused again. */
const REFUSED = 3;
const REMOTE_CODES =
  /^(AWS_|COMPONENTS?_|ARTIFACT_CONFLICT$|BUNDLE_(NOT_FOUND|EXISTS)$|ROLLOUT_(HELD|ROLLED_BACK|FAILED)$|DEPLOYMENT_CHANGED$)/;

const { program, context: device } = createDeviceProgram(process);
const context: PublisherContext = {
  stdout: process.stdout,
  stderr: process.stderr,
  stateFolder: join(process.cwd(), '.vedette', 'publisher'),
  interruption,
};

program.description('Runs ONNX vision models next to cameras, and publishes them to a fleet.');
addModelPackage(groupOf('model'), context);
addPublishModel(
  program.command('publish').description('make component versions that devices can have'),
  context,
);
addComponentCommands(program, context);
addBundleCommands(program, context);
addDeployCommands(program, context);
addFleetCommands(program, context);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  const exitCode = exitCodeOf(error, device);
  const isRefusal = error instanceof VedetteError && REMOTE_CODES.test(error.code);
  process.exitCode = isRefusal && exitCode !== 4 ? REFUSED : exitCode;
}

function groupOf(name: string) {
  const group = program.commands.find((command) => command.name() === name);
  if (!group) throw new Error(`the device has no command group '${name}'`);
  return group;
}

/** Ctrl-C of a command that asks for it: `vedette run` has its own way to stop. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () =>
      controller.abort(
        new VedetteError('SHUTTING_DOWN', 'stopped; the same command goes on where this one ended'),
      ),
    );
  }
  return controller.signal;
}
