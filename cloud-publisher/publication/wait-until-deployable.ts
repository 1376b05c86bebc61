import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentGateway, ComponentVersion } from '../greengrass/component-gateway.ts';

/** Bounded: DDA's portal asks 30 times, every two seconds. The first times come sooner. */
export interface Polling {
  readonly attempts: number;
  readonly intervalMs: number;
}

const FIRST_INTERVAL_MS = 250;

export const DEFAULT_POLLING: Polling = { attempts: 30, intervalMs: 2000 };

/** What most often stands behind a failure, and how to see it. */
const HINTS: readonly [RegExp, string][] = [
  [
    /access|denied|403|forbidden/i,
    'who publishes must be allowed s3:GetObject on the artifact, and the bucket must be in the same account or share it',
  ],
  [/checksum|digest/i, 'the object under this key was changed after it was uploaded'],
  [/region/i, 'the bucket must be in the region of the component'],
];

/**
 * Asks until the version is deployable.
 * @throws VedetteError COMPONENT_FAILED with Greengrass' reasons, COMPONENT_NOT_READY when it takes longer
 */
export async function waitUntilDeployable(
  gateway: ComponentGateway,
  first: ComponentVersion,
  { attempts, intervalMs }: Polling,
  onState: (state: string) => void,
  signal?: AbortSignal,
): Promise<ComponentVersion> {
  const { component, version } = first;
  let current: ComponentVersion | undefined = first;
  for (let attempt = 0; ; attempt += 1) {
    if (current) {
      onState(current.state);
      if (current.state === 'DEPLOYABLE') return current;
      if (current.state === 'FAILED' || current.state === 'DEPRECATED') throw failed(current);
    }
    if (attempt >= attempts) {
      const state = current?.state ?? 'not to be seen yet';
      throw new VedetteError(
        'COMPONENT_NOT_READY',
        `${component} ${version} is ${state} after ${(attempts * intervalMs) / 1000} s, expected DEPLOYABLE`,
        { details: { component, version, state } },
      );
    }
    const wait = Math.min(intervalMs, FIRST_INTERVAL_MS * 2 ** attempt);
    await pause(wait, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
    current = await gateway.find(component, version);
  }
}

function failed({ component, version, state, message, errors }: ComponentVersion): VedetteError {
  const reasons = [
    ...(message === undefined ? [] : [message]),
    ...Object.entries(errors).map(([artifact, reason]) => `${artifact}: ${reason}`),
  ];
  const text = reasons.join('; ') || 'without a reason';
  const hint = HINTS.find(([pattern]) => pattern.test(text))?.[1];
  return new VedetteError(
    'COMPONENT_FAILED',
    `${component} ${version} is ${state}: ${text}${hint === undefined ? '' : ` (${hint})`}`,
    {
      details: { component, version, state, errors, ...(message === undefined ? {} : { message }) },
    },
  );
}
