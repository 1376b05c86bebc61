import type { EmulatedDeployment } from './emulated-deployment.ts';

export type ExecutionStatus =
  'QUEUED' | 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'REJECTED' | 'CANCELED';

export interface Execution {
  status: ExecutionStatus;
  readonly queuedAtSeconds: number;
  updatedAtSeconds: number;
  /** When the device began with it. */
  startedAtSeconds?: number;
  reason: string;
}

export interface InstalledOnDevice {
  readonly version: string;
  configuration: unknown;
  /** There because another component needs it, and no deployment names it. */
  readonly isDependency?: boolean;
}

/** What a device says of itself in `reported` of its shadow; nothing when it has none. */
export type ReportOf = (
  device: EmulatedDevice,
  nowMs: number,
) => Readonly<Record<string, unknown>> | undefined;

/** A Greengrass core device: what it got, runs and reports. It works while somebody looks at it. */
export class EmulatedDevice {
  readonly name: string;
  architecture = 'amd64';
  runtime: 'aws_nucleus_classic' | 'aws_nucleus_lite' = 'aws_nucleus_classic';
  status: 'HEALTHY' | 'UNHEALTHY' = 'HEALTHY';
  isOnline = true;
  /** Why an installation of this deployment fails, if it does. */
  installFault: (deployment: EmulatedDeployment) => string | undefined = () => undefined;
  /** Looks at an execution in progress until it ends; for ever with `Infinity`. */
  looksToInstall = 1;
  report: ReportOf = () => undefined;
  lastStatusAtMs = Date.now();
  readonly installed = new Map<string, InstalledOnDevice>();
  /** By deployment. */
  readonly executions = new Map<string, Execution>();
  readonly looksLeft = new Map<string, number>();
  /** The deployment in effect, by the target that it came for. */
  readonly effective = new Map<string, EmulatedDeployment>();
  /** Deployments that ended well here, in their order. */
  readonly history: string[] = [];
  bytesDownloaded = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** `reset` then `merge`, as a nucleus does: pointers first, whole lists, deep for objects. */
export function configured(
  before: unknown,
  defaults: unknown,
  { reset = [], merge }: { readonly reset?: readonly string[]; readonly merge?: string },
): unknown {
  let value = structuredClone(before);
  for (const pointer of reset) value = resetAt(value, defaults, pointer);
  return merge === undefined ? value : merged(value, JSON.parse(merge));
}

function resetAt(value: unknown, defaults: unknown, pointer: string): unknown {
  if (pointer === '') return structuredClone(defaults) ?? {};
  const keys = pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop()!;
  const default_ = [...keys, last].reduce<unknown>(
    (at, key) => (isObject(at) ? at[key] : undefined),
    defaults,
  );
  let at: unknown = value;
  for (const key of keys) {
    if (!isObject(at)) return value;
    at = at[key];
  }
  if (!isObject(at)) return value;
  if (default_ === undefined) delete at[last];
  else at[last] = structuredClone(default_);
  return value;
}

function merged(before: unknown, update: unknown): unknown {
  if (!isObject(before) || !isObject(update)) return update;
  const value = { ...before };
  for (const [key, inner] of Object.entries(update)) value[key] = merged(value[key], inner);
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
