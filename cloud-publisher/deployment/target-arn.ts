import { VedetteError } from '../../component/contract/errors.ts';

const TARGET = /^(?:arn:[^:]+:iot:[^:]*:\d+:)?(thing|thinggroup)\/([a-zA-Z0-9:_-]{1,128})$/;

export type TargetKind = 'thing' | 'thinggroup';

export const TARGET_PATTERN = TARGET;

/**
 * `thinggroup/line-7`, `thing/station-7` or a whole ARN as an ARN.
 * @param accountArn `arn:<partition>:iot:<region>:<account>`
 * @throws VedetteError REQUEST_INVALID
 */
export function targetArn(target: string, accountArn: string): string {
  if (!TARGET.test(target)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `'${target}' is no target: expected thinggroup/<name>, thing/<name> or the ARN of one`,
    );
  }
  return target.startsWith('arn:') ? target : `${accountArn}:${target}`;
}

export const kindOf = (arn: string): TargetKind =>
  arn.includes(':thinggroup/') ? 'thinggroup' : 'thing';

/** What people call it: `line-7`. */
export const targetName = (arn: string): string => arn.slice(arn.indexOf('/') + 1);
