import type { ComponentChange } from '../deployment/apply-component-set.ts';
import type { DevicePreview, VersionChange } from '../deployment/preview-devices.ts';
import type { PlannedStep } from '../deployment/rollout.ts';
import type { PublisherContext } from './publisher-context.ts';

/** A plan with what it was made of, for people and programs. */
export interface MadePlan {
  readonly id: string;
  readonly name: string;
  readonly steps: readonly PlannedStep[];
  readonly devices: readonly DevicePreview[];
  readonly warnings: readonly string[];
}

const MINUTE_MS = 60_000;
const NAMED_DEVICES = 5;

export function showDeploymentPlan(
  plan: MadePlan,
  { json }: { readonly json?: boolean },
  { stdout }: Pick<PublisherContext, 'stdout'>,
): void {
  if (json) {
    const { id, name, steps, devices, warnings } = plan;
    const shown = { plan: id, name, steps: steps.map(stepOf), devices, warnings };
    stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
    return;
  }
  const lines = [
    `plan ${plan.id}: ${plan.name}`,
    ...plan.steps.flatMap((step, index) => stepLines(step, index)),
    ...plan.warnings.map((warning) => `note: ${warning}`),
    ...deviceLines(plan.devices),
    `carry it out: vedette deploy apply ${plan.id}`,
  ];
  stdout.write(lines.map((line) => `${line}\n`).join(''));
}

function stepOf({
  base: _,
  document: __,
  isGroupMade: ___,
  soakMs,
  deviceTimeoutMs,
  ...step
}: PlannedStep) {
  return {
    ...step,
    soakMinutes: soakMs / MINUTE_MS,
    deviceTimeoutMinutes: deviceTimeoutMs / MINUTE_MS,
  };
}

function stepLines({ title, devices, soakMs, changes }: PlannedStep, index: number): string[] {
  return [
    `wave ${index + 1}: ${title}, ${devices.length} devices, watched for ${Number((soakMs / MINUTE_MS).toFixed(2))} min`,
    ...changes.flatMap((change) => changeLines(change).map((line) => `  ${line}`)),
  ];
}

function changeLines({
  component,
  kind,
  from,
  to,
  configuration,
  reset,
}: ComponentChange): string[] {
  const versions = kind === 'configured' ? to : [from, to].filter(Boolean).join(' → ');
  return [
    `${kind}: ${component} ${versions}`,
    ...reset.map((pointer) =>
      pointer === ''
        ? '  reset: everything to the defaults of this version'
        : `  reset: ${pointer} to the default of this version`,
    ),
    ...configuration.map(
      ({ pointer, before, after }) =>
        `  ${pointer}: ${before === undefined ? '' : `${JSON.stringify(before)} → `}${JSON.stringify(after)}`,
    ),
  ];
}

/** Devices that get the same stand in one line. */
function deviceLines(devices: readonly DevicePreview[]): string[] {
  const alike = new Map<string, DevicePreview[]>();
  for (const device of devices) {
    const { thing: _, lastSeenAtMs: __, freeDiskBytes: ___, status: ____, ...same } = device;
    const key = JSON.stringify(same);
    alike.set(key, [...(alike.get(key) ?? []), device]);
  }
  return [...alike.values()].flatMap((group) => {
    const [first] = group as [DevicePreview, ...DevicePreview[]];
    const names = group.slice(0, NAMED_DEVICES).map(({ thing }) => thing);
    const more = group.length > names.length ? ` and ${group.length - names.length} more` : '';
    const disk = group.flatMap(({ freeDiskBytes }) => freeDiskBytes ?? []);
    const least = disk.length === 0 ? '' : `, ${megabytes(Math.min(...disk))} free at the least`;
    const size = `${first.unknownSizes.length > 0 ? 'at least ' : ''}${megabytes(first.downloadBytes)}`;
    return [
      `${names.join(', ')}${more} (${first.step}): ${size} to download${least}`,
      ...first.added.map((one) => `  added: ${versionText(one)}`),
      ...first.changed.map((one) => `  changed: ${versionText(one)}`),
      ...first.removed.map((one) => `  removed: ${versionText(one)}`),
      ...(first.isDiskTight
        ? ['  too little disk is free for the archives and what they unpack to']
        : []),
      ...(first.basis === 'deployed'
        ? ['  as far as deployments tell: what runs there was not asked']
        : []),
    ];
  });
}

const versionText = ({ component, from, to }: VersionChange): string =>
  `${component} ${[from, to].filter(Boolean).join(' → ')}`;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
