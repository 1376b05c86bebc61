import { awsFault } from './aws-fault.ts';
import type { AwsAction } from './aws-calls.ts';

/** Whether a call may be made, as far as trying it tells. */
export interface CallProbe {
  readonly action: AwsAction;
  /** `unknown`: it was answered in a way that tells nothing; `failed`: it was not answered. */
  readonly state: 'allowed' | 'denied' | 'unknown' | 'failed';
  readonly says: string;
}

/** How the refusal of a call that was meant to be refused is told from one that is not allowed. */
export type ExpectedRefusal = (error: unknown) => boolean;

/** Names of errors, or a status. */
export const refusedAs =
  (...names: readonly (string | number)[]): ExpectedRefusal =>
  (error) => {
    const { name, $metadata } = error as {
      readonly name?: string;
      readonly $metadata?: { readonly httpStatusCode?: number };
    };
    return names.includes(name ?? '') || names.includes($metadata?.httpStatusCode ?? 0);
  };

/**
 * Makes a call that changes nothing: on what does not exist, or with what must be refused. Access is
 * decided before either.
 */
export async function probeCall(
  action: AwsAction,
  resource: string,
  send: () => Promise<unknown>,
  isExpected: ExpectedRefusal = () => false,
): Promise<CallProbe> {
  try {
    await send();
    return { action, state: 'allowed', says: 'allowed' };
  } catch (error) {
    if (isExpected(error)) return { action, state: 'allowed', says: 'allowed' };
    const fault = awsFault(error, { action, resource });
    const state = fault.code === 'AWS_ACCESS_DENIED' ? 'denied' : 'failed';
    return { action, state, says: fault.message };
  }
}
