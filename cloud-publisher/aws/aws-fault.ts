import { awsFault as faultOfAws } from '../../component/object-store/aws-fault.ts';
import type { VedetteError } from '../../component/contract/errors.ts';
import type { AwsAction } from './aws-calls.ts';

/** The call that was refused: for people, and for the policy statement that would allow it. */
export interface AwsCall {
  /** As policies write it, such as `s3:PutObject`. */
  readonly action: AwsAction;
  /** ARN, as policies write it. */
  readonly resource: string;
}

/** An error of an AWS SDK as a coded error; only calls that policies are made for can be named. */
export const awsFault = (thrown: unknown, call: AwsCall): VedetteError => faultOfAws(thrown, call);
