import { readFile, stat } from 'node:fs/promises';
import type { RuntimeConfig } from '../../contract/config.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { CommandContext } from '../command-context.ts';
import { loadDeviceConfiguration } from '../device-configuration.ts';
import { findRunning, type RunningRuntime } from '../running-runtime.ts';
import { RuntimeClient, type RuntimeAddressOptions } from '../runtime-client.ts';
import { userOfNumbers, userOfProcess, type User } from './user.ts';

/** What is examined: a runtime, or the place where one would run. */
export interface Subject {
  readonly context: CommandContext;
  readonly config: RuntimeConfig;
  /** The process that serves the data folder now. */
  readonly running: RunningRuntime | undefined;
  /** Absent when the process cannot be asked: its token cannot be read, or nothing is there. */
  readonly client: RuntimeClient | undefined;
  /** Whom the runtime runs as; who owns the data folder, or who asks, when it does not run. */
  readonly user: User;
  /** Whether the one who asks is that user. */
  readonly isOwnUser: boolean;
  /** Environment of the running process; empty when there is none or it may not be read. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws VedetteError CONFIG_UNREADABLE, CONFIG_INVALID */
export async function openSubject(
  options: RuntimeAddressOptions,
  context: CommandContext,
): Promise<Subject> {
  const { config } = await loadDeviceConfiguration(options.config, context);
  const running = await findRunning(config.dataFolder);
  const user = await userOf(running, config.dataFolder);
  const isAsked = running !== undefined || options.url !== undefined;
  return {
    ...{ context, config, running, user },
    client: isAsked ? await openClient(options, context) : undefined,
    isOwnUser: user.uid === process.geteuid?.(),
    environment: running ? await environmentOf(running.processId) : {},
  };
}

async function openClient(
  options: RuntimeAddressOptions,
  context: CommandContext,
): Promise<RuntimeClient | undefined> {
  try {
    return await RuntimeClient.open(options, context);
  } catch (thrown) {
    if (VedetteError.from(thrown).code === 'SECRET_UNAVAILABLE') return undefined;
    throw thrown;
  }
}

async function userOf(running: RunningRuntime | undefined, dataFolder: string): Promise<User> {
  const ofRuntime = running && (await userOfProcess(running.processId));
  if (ofRuntime) return ofRuntime;
  const own = await userOfProcess(process.pid);
  const owner = await stat(dataFolder).catch(() => undefined);
  if (own && (owner === undefined || owner.uid === own.uid)) return own;
  return userOfNumbers(owner?.uid ?? 0, owner?.gid ?? 0);
}

async function environmentOf(processId: number): Promise<Record<string, string>> {
  const text = await readFile(`/proc/${processId}/environ`, 'utf8').catch(() => '');
  const pairs = text.split('\0').map((pair) => pair.split(/=(.*)/s, 2));
  return Object.fromEntries(pairs.flatMap(([name, value]) => (name ? [[name, value ?? '']] : [])));
}
