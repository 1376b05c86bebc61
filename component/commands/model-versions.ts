import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { VedetteError } from '../contract/errors.ts';
import type { CandidateMode, RunningChange } from '../contract/model-lifecycle.ts';
import { isModelReference } from '../contract/model-manifest.ts';
import type { ModelStatus } from '../contract/ports.ts';
import type { CommandContext } from './command-context.ts';
import { versionLines } from './render-versions.ts';
import { RuntimeClient } from './runtime-client.ts';
import type { RuntimeAddressOptions } from './runtime-client.ts';

interface ChangeOptions extends RuntimeAddressOptions {
  readonly json?: boolean;
}

interface CanaryOptions extends ChangeOptions {
  readonly camera: readonly string[];
}

const POLL_MS = 200;

const BARE_CHANGES = {
  promote: 'let the candidate answer from now on',
  rollback: 'go back: from the candidate, or to the version before when there is none',
  discard: 'give the candidate up',
  pin: 'let no other version act',
  unpin: 'end a pin',
} as const;

/** `vedette model versions|shadow|canary|swap|promote|rollback|discard|pin|unpin`, on the runtime that runs */
export function addModelVersions(model: Command, context: CommandContext): void {
  onRuntime(
    model
      .command('versions')
      .description('show the versions of a model of the running runtime')
      .argument('<name>', 'as the configuration names it'),
  ).action(async (name: string, options: ChangeOptions) => {
    const client = await RuntimeClient.open(options, context);
    show(await client.get<ModelStatus>(pathOf(name)), options, context);
  });
  addProposal(
    model,
    context,
    'shadow',
    'compare another version on the same frames, acting on none',
  );
  addProposal(model, context, 'swap', 'let another version answer as soon as it is ready');
  onRuntime(
    model
      .command('canary')
      .description(
        'let some cameras act on another version; it goes back by itself when it is worse',
      )
      .argument('<name>', 'as the configuration names it')
      .argument('<package>', 'an installed name@version, or a package on the device')
      .requiredOption('--camera <name...>', 'the cameras that act on it'),
  ).action((name: string, named: string, options: CanaryOptions) =>
    propose(name, named, 'canary', options.camera, options, context),
  );
  for (const [kind, description] of Object.entries(BARE_CHANGES)) {
    onRuntime(
      model
        .command(kind)
        .description(description)
        .argument('<name>', 'as the configuration names it'),
    ).action(async (name: string, options: ChangeOptions) => {
      const client = await RuntimeClient.open(options, context);
      const begun = await client.post<ModelStatus>(`${pathOf(name)}/${kind}`);
      await follow(client, name, begun, options, context);
    });
  }
}

function addProposal(
  model: Command,
  context: CommandContext,
  mode: 'shadow' | 'swap',
  description: string,
): void {
  onRuntime(
    model
      .command(mode)
      .description(description)
      .argument('<name>', 'as the configuration names it')
      .argument('<package>', 'an installed name@version, or a package on the device'),
  ).action((name: string, named: string, options: ChangeOptions) =>
    propose(name, named, mode, [], options, context),
  );
}

const onRuntime = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'the configuration of the runtime: its address and token')
    .option('--url <address>', 'its address, whatever the configuration says')
    .option('--json', 'print the status of the model as JSON');

const pathOf = (name: string): string => `/api/v1/models/${encodeURIComponent(name)}`;

async function propose(
  name: string,
  named: string,
  mode: CandidateMode,
  cameras: readonly string[],
  options: ChangeOptions,
  context: CommandContext,
): Promise<void> {
  const client = await RuntimeClient.open(options, context);
  const begun = await client.post<ModelStatus>(`${pathOf(name)}/candidate`, {
    package: isModelReference(named) ? named : resolve(named),
    mode,
    cameras,
  });
  await follow(client, name, begun, options, context);
}

/** Waits for the end of the change, telling each stage. @throws VedetteError that it failed with */
async function follow(
  client: RuntimeClient,
  name: string,
  begun: ModelStatus,
  options: ChangeOptions,
  context: CommandContext,
): Promise<void> {
  const startedAtMs = begun.lifecycle?.change?.startedAtMs;
  let status = begun;
  let told = '';
  const isRunning = (change: RunningChange | undefined) => change?.startedAtMs === startedAtMs;
  while (startedAtMs !== undefined && isRunning(status.lifecycle?.change)) {
    const { stage = '', package: named = '' } = status.lifecycle?.change ?? {};
    if (stage !== told) context.stderr.write(`${stage} ${named}\n`);
    told = stage;
    await pause(POLL_MS);
    status = await client.get<ModelStatus>(pathOf(name));
  }
  const error = status.lifecycle?.lastChange?.error;
  if (error) throw VedetteError.deserialize(error);
  show(status, options, context);
}

function show(status: ModelStatus, options: ChangeOptions, { stdout }: CommandContext): void {
  stdout.write(options.json ? `${JSON.stringify(status, undefined, 2)}\n` : versionLines(status));
}
