import type { Command } from 'commander';
import type { CameraStatus, ModelStatus, Notice } from '../contract/ports.ts';
import { cameraLine } from './camera-line.ts';
import type { CommandContext } from './command-context.ts';
import { RuntimeClient, type RuntimeAddressOptions } from './runtime-client.ts';

interface StatusOptions extends RuntimeAddressOptions {
  readonly json?: boolean;
}

/** `GET /api/v1/status`, with whatever more the runtime tells there. */
interface RuntimeStatus {
  readonly version: string;
  readonly thing: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly isReady: boolean;
  readonly [more: string]: unknown;
}

export interface WholeStatus extends RuntimeStatus {
  readonly models: readonly ModelStatus[];
  readonly cameras: readonly CameraStatus[];
  readonly notices: readonly Notice[];
}

/** `vedette status` */
export function addStatusCommand(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('say what runs on this device: version, cameras, models, what is wrong')
    .option('-c, --config <file>', 'the configuration of the runtime: its address and token')
    .option('--url <address>', 'its address, whatever the configuration says')
    .option('--json', 'print everything as one JSON object')
    .action(async (options: StatusOptions) => {
      const status = await readStatus(await RuntimeClient.open(options, context));
      context.stdout.write(
        options.json ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status),
      );
    });
}

/** @throws VedetteError of the runtime, or RUNTIME_UNREACHABLE */
export async function readStatus(client: RuntimeClient): Promise<WholeStatus> {
  const items = async <T>(path: string) => (await client.get<{ items: T[] }>(path)).items;
  const [status, models, cameras, notices] = await Promise.all([
    client.get<RuntimeStatus>('/api/v1/status'),
    items<ModelStatus>('/api/v1/models'),
    items<CameraStatus>('/api/v1/cameras'),
    items<Notice>('/api/v1/notices'),
  ]);
  return { ...status, models, cameras, notices };
}

function statusText(status: WholeStatus): string {
  const { version, thing, uptimeSeconds, isReady, models, cameras, notices } = status;
  const ready = isReady ? 'ready' : 'not ready';
  return [
    `Vedette ${version} on ${thing}, ${ready}, for ${durationText(uptimeSeconds)}`,
    ...section('cameras', cameras.map(cameraLine)),
    ...section('models', models.map(modelLine)),
    ...section('notices', notices.map(noticeLine)),
    ...Object.entries(status).flatMap(([name, value]) => [...furtherLines(name, value)]),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...(lines.length > 0 ? lines : ['none']).map((line) => `  ${line}`)];
}

function modelLine({ name, state, identity, reason, inferences, failures }: ModelStatus): string {
  const which = identity
    ? `${identity.name}@${identity.version} ${identity.variant} on ${identity.executionProvider}`
    : 'not read yet';
  const why = reason ? `  ${reason.code}: ${reason.message}` : '';
  return `${name.padEnd(10)}  ${state.padEnd(9)}  ${which}  ${inferences} answers, ${failures} failures${why}`;
}

function noticeLine({ atMs, level, error }: Notice): string {
  const at = new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
  return `${at} UTC  ${level}  ${error.code}: ${error.message}`;
}

/** Parts of the status that are objects, such as those of configuration and delivery, as they come. */
function* furtherLines(name: string, value: unknown): Iterable<string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  yield name;
  for (const [key, one] of Object.entries(value)) yield `  ${key}: ${JSON.stringify(one)}`;
}

function durationText(seconds: number): string {
  const parts = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const minutes = Math.floor(seconds / 60) % 60;
  if (seconds < 60) return `${seconds} s`;
  const [days = 0, hours = 0] = parts;
  return [days > 0 ? `${days} d` : '', hours > 0 ? `${hours} h` : '', `${minutes} min`]
    .filter((part) => part !== '')
    .join(' ');
}
