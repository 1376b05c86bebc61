import { VedetteError } from '../../contract/errors.ts';
import { checkBuckets } from './buckets.ts';
import { checkCameraSources } from './camera-sources.ts';
import type { Check, CheckResult } from './check.ts';
import { checkClock } from './clock.ts';
import { checkCredentials } from './credentials.ts';
import { checkDataFolder } from './data-folder.ts';
import { checkDelivery } from './delivery.ts';
import { checkDiskSpace } from './disk-space.ts';
import { checkFfmpeg } from './ffmpeg.ts';
import { checkMemory } from './memory.ts';
import { checkNucleus } from './nucleus.ts';
import { checkOnnxRuntime } from './onnx-runtime.ts';
import { checkPort } from './port.ts';
import { checkDatabase } from './registry.ts';
import { checkRuntime } from './runtime.ts';
import type { Subject } from './subject.ts';
import { checkSystem } from './system.ts';
import { checkUserGroups } from './user-groups.ts';

/** In the order of the report: the machine, what runs on it, what it speaks with. */
const CHECKS: Readonly<Record<string, Check>> = {
  system: checkSystem,
  memory: checkMemory,
  clock: checkClock,
  user: checkUserGroups,
  disk: checkDiskSpace,
  'data folder': checkDataFolder,
  database: checkDatabase,
  'ONNX Runtime': checkOnnxRuntime,
  ffmpeg: checkFfmpeg,
  port: checkPort,
  runtime: checkRuntime,
  cameras: checkCameraSources,
  nucleus: checkNucleus,
  credentials: checkCredentials,
  bucket: checkBuckets,
  delivery: checkDelivery,
};

export interface Examination {
  readonly schemaVersion: 1;
  readonly at: string;
  readonly version: string;
  readonly thing: string;
  readonly isHealthy: boolean;
  readonly checks: readonly CheckResult[];
}

/** Looks at everything. A check that cannot look is a fault of its own and does not end the others. */
export async function examine(subject: Subject): Promise<Examination> {
  const found = await Promise.all(
    Object.entries(CHECKS).map(([name, check]) => look(name, check, subject)),
  );
  const checks = found.flat();
  return {
    schemaVersion: 1,
    at: new Date().toISOString(),
    version: subject.context.version,
    thing: subject.config.thing,
    isHealthy: !checks.some(({ state }) => state === 'fault'),
    checks,
  };
}

async function look(name: string, check: Check, subject: Subject): Promise<readonly CheckResult[]> {
  try {
    return await check(subject);
  } catch (thrown) {
    const { message, remedy } = VedetteError.from(thrown);
    return [{ check: name, state: 'fault', says: `It cannot be looked at: ${message}`, remedy }];
  }
}

const SIGNS = { ok: 'ok     ', warning: 'warning', fault: 'FAULT  ', skipped: '–      ' } as const;

/** For people: a line for each result, with what to do below it. */
export function examinationText({ checks, version, thing }: Examination): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const indent = ' '.repeat(SIGNS.ok.length + width + 4);
  const lines = checks.flatMap(({ check, state, says, remedy }) => [
    `${SIGNS[state]}  ${check.padEnd(width)}  ${says}`,
    ...(remedy === undefined ? [] : [`${indent}→ ${remedy}`]),
  ]);
  const count = (state: CheckResult['state']) => checks.filter((one) => one.state === state).length;
  const end = `faults: ${count('fault')}, warnings: ${count('warning')}, as it should be: ${count('ok')}`;
  return `Vedette ${version} on ${thing}\n${lines.join('\n')}\n${end}\n`;
}
