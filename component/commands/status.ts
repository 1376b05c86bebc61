import type { Command } from 'commander';
import type { ConfigurationStatus } from '../contract/configuration-status.ts';
import type { DeliveryStatus } from '../contract/delivery.ts';
import type { CameraStatus, ModelStatus, Notice } from '../contract/ports.ts';
import { cameraLine } from './camera-line.ts';
import type { CommandContext } from './command-context.ts';
import { RuntimeClient, type RuntimeAddressOptions } from './runtime-client.ts';

interface StatusOptions extends RuntimeAddressOptions {
  readonly json?: boolean;
}

/** `GET /api/v1/status`. */
interface RuntimeStatus {
  readonly version: string;
  readonly thing: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly isReady: boolean;
  readonly configuration: ConfigurationStatus;
}

export interface WholeStatus extends RuntimeStatus {
  readonly delivery: DeliveryStatus;
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
  const [status, delivery, models, cameras, notices] = await Promise.all([
    client.get<RuntimeStatus>('/api/v1/status'),
    client.get<DeliveryStatus>('/api/v1/delivery'),
    items<ModelStatus>('/api/v1/models'),
    items<CameraStatus>('/api/v1/cameras'),
    items<Notice>('/api/v1/notices'),
  ]);
  return { ...status, delivery, models, cameras, notices };
}

function statusText(status: WholeStatus): string {
  const { version, thing, uptimeSeconds, isReady, models, cameras, notices } = status;
  const ready = isReady ? 'ready' : 'not ready';
  return [
    `Vedette ${version} on ${thing}, ${ready}, for ${durationText(uptimeSeconds)}`,
    ...section('cameras', cameras.map(cameraLine)),
    ...section('models', models.map(modelLine)),
    ...section('notices', notices.map(noticeLine)),
    ...section('configuration', configurationLines(status.configuration)),
    ...section('delivery', deliveryLines(status.delivery)),
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
  return `${timeText(atMs)}  ${level}  ${error.code}: ${error.message}`;
}

function configurationLines({ hash, inForceSinceMs, isApplying, refusal }: ConfigurationStatus) {
  const lines = [`${hash} in force since ${timeText(inForceSinceMs)}`];
  if (isApplying) lines.push('a change is being made');
  if (refusal) lines.push(`refused at ${timeText(refusal.atMs)}: ${refusal.error.message}`);
  return lines;
}

function deliveryLines(delivery: DeliveryStatus): string[] {
  const { isEnabled, channel, store, waiting, oldestAgeMs, capturesWaiting } = delivery;
  if (!isEnabled) return ['nothing is to leave this device'];
  const oldest = oldestAgeMs === 0 ? '' : `, the oldest for ${durationText(oldestAgeMs / 1000)}`;
  const lines = [
    `${waiting.alarms} alarms, ${waiting.others} others and ${capturesWaiting} pictures wait${oldest}`,
  ];
  if (channel) {
    const state = channel.isConnected ? 'connected' : 'not connected';
    lines.push(`${channel.description}: ${state}, ${channel.sent} sent`);
    for (const [topic, reason] of Object.entries(channel.refusedTopics)) {
      lines.push(`${topic} is refused: ${reason}`);
    }
  }
  if (store) {
    lines.push(
      `${store.description}: ${store.problem ?? `${store.capturesUploaded} pictures stored`}`,
    );
  }
  return lines;
}

const timeText = (atMs: number): string =>
  `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

function durationText(seconds: number): string {
  const parts = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const minutes = Math.floor(seconds / 60) % 60;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const [days = 0, hours = 0] = parts;
  return [days > 0 ? `${days} d` : '', hours > 0 ? `${hours} h` : '', `${minutes} min`]
    .filter((part) => part !== '')
    .join(' ');
}
