import type { PlatformRule, VersionFacts } from './component-catalog.ts';
import type { DeviceFacts } from './device-facts.ts';

const GENERIC = 'aws.greengrass.generic';
export const BYTES_PER_MEGABYTE = 1_000_000;

/** What decides which manifest of a recipe a device takes. */
export type DevicePlatform = Pick<DeviceFacts, 'architectureDetail' | 'nucleus' | 'attributes'> & {
  readonly os: string;
  readonly architecture: string;
};

/** Attributes of a device as recipes name them. */
function attributesOf(device: DevicePlatform): Record<string, string> {
  return {
    ...device.attributes,
    os: device.os,
    architecture: device.architecture,
    ...(device.architectureDetail === undefined
      ? {}
      : { 'architecture.detail': device.architectureDetail }),
    ...(device.nucleus === 'lite' ? { runtime: 'aws_nucleus_lite' } : {}),
  };
}

/**
 * Whether a manifest is for a device. Without `runtime` it is for the classic nucleus alone; regular
 * expressions (`/…/`) are the classic nucleus' too.
 */
export function isForDevice(rule: PlatformRule, device: DevicePlatform): boolean {
  const attributes = attributesOf(device);
  if (device.nucleus === 'lite' && rule['runtime'] === undefined) return false;
  if (device.nucleus === 'classic' && rule['runtime'] === 'aws_nucleus_lite') return false;
  return Object.entries(rule).every(([key, wanted]) => {
    const value = attributes[key];
    if (wanted === '*' || key === 'runtime') return true;
    const pattern = /^\/(.*)\/$/.exec(wanted)?.[1];
    if (pattern === undefined) return value === wanted;
    return device.nucleus === 'classic' && value !== undefined && isMatch(pattern, value);
  });
}

function isMatch(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value);
  } catch {
    // Java reads some patterns that JavaScript does not: taken for one that does not match.
    return false;
  }
}

/**
 * Why a device cannot run a version, as the rest of a sentence that begins with the version;
 * `undefined` when nothing speaks against it. What is not known is no reason.
 */
export function deviceRefusal(facts: VersionFacts, device: DeviceFacts): string | undefined {
  const { name } = device;
  if (device.nucleus === 'lite' && facts.type !== GENERIC) {
    return `is a ${facts.type}, and the nucleus lite of ${name} takes ${GENERIC} alone`;
  }
  if (!facts.platforms.some((rule) => isForDevice(rule, device))) {
    return `is for ${platformsText(facts.platforms)}, and ${name} is ${device.os} ${device.architecture} with nucleus ${device.nucleus}`;
  }
  const { executionProviders, glibc, memoryMegabytes } = facts.needs;
  const offered = device.executionProviders;
  if (executionProviders && offered && !executionProviders.some((one) => offered.includes(one))) {
    return `runs on ${executionProviders.join(' or ')}, and ${name} has ${offered.join(' and ') || 'none of it'}`;
  }
  if (glibc !== undefined && device.glibc !== undefined && isOlder(device.glibc, glibc)) {
    return `needs glibc ${glibc}, and ${name} has ${device.glibc}`;
  }
  if (exceeds(memoryMegabytes, device.memoryMegabytes)) {
    return `needs ${memoryMegabytes} MB of memory, and ${name} has ${device.memoryMegabytes} MB`;
  }
  const bytes = artifactBytesOn(facts, device);
  if (exceeds(bytes && bytes / BYTES_PER_MEGABYTE, device.freeDiskMegabytes)) {
    return `needs ${megabytes(bytes!)} MB of disk, and ${name} has ${device.freeDiskMegabytes} MB free`;
  }
  return undefined;
}

/** Bytes that a device downloads for a version; `undefined` when nobody wrote it down. */
export const artifactBytesOn = (
  { needs: { artifactBytes } }: VersionFacts,
  { architecture }: DeviceFacts,
): number | undefined => artifactBytes?.[architecture] ?? artifactBytes?.['*'];

const megabytes = (bytes: number): number => Math.ceil(bytes / BYTES_PER_MEGABYTE);

const exceeds = (need: number | undefined, there: number | undefined): boolean =>
  need !== undefined && there !== undefined && need > there;

function isOlder(found: string, needed: string): boolean {
  const [[a = 0, b = 0], [c = 0, d = 0]] = [found, needed].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return a < c || (a === c && b < d);
}

function platformsText(platforms: readonly PlatformRule[]): string {
  const texts = platforms.map((rule) => {
    const { runtime, ...rest } = rule;
    const values = Object.values(rest).join(' ') || 'any machine';
    if (runtime === undefined) return `${values} with the classic nucleus`;
    return runtime === '*' ? values : `${values} with ${runtime}`;
  });
  return [...new Set(texts)].join(', ') || 'no machine';
}
