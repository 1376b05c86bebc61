import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { describeIssues } from '../../component/inference/package/read-json.ts';

export const TRAINING_EVENT = 'SageMaker Training Job State Change';

/** Names of SageMaker's jobs. */
export const JOB_NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;

/** What EventBridge sends; what is not looked at may be anything. */
const eventSchema = z.looseObject({
  source: z.literal('aws.sagemaker'),
  'detail-type': z.literal(TRAINING_EVENT),
  account: z.string().regex(/^\d{12}$/, 'an account of 12 digits'),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region'),
  detail: z.looseObject({
    TrainingJobName: z.string().regex(JOB_NAME, 'a name of letters, digits and single dashes'),
    TrainingJobStatus: z.enum([
      'InProgress',
      'Completed',
      'Failed',
      'Stopping',
      'Stopped',
      'Deleting',
    ]),
    FailureReason: z.string().optional(),
  }),
});

export interface TrainingEvent {
  readonly trainingJob: string;
  readonly status: string;
  readonly accountId: string;
  readonly region: string;
  readonly reason?: string;
}

/** At most what EventBridge sends: an event has 256 KiB. */
export const MAX_EVENT_BYTES = 256 * 1024;

/** @throws VedetteError REQUEST_INVALID with every problem */
export function readTrainingEvent(text: string): TrainingEvent {
  if (Buffer.byteLength(text) > MAX_EVENT_BYTES) {
    throw invalid([`has more than ${MAX_EVENT_BYTES} bytes`]);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid([`is no JSON: ${(error as Error).message}`]);
  }
  const parsed = eventSchema.safeParse(value);
  if (!parsed.success) throw invalid(describeIssues(parsed.error, 'event'));
  const { account: accountId, region, detail } = parsed.data;
  return {
    trainingJob: detail.TrainingJobName,
    status: detail.TrainingJobStatus,
    accountId,
    region,
    ...(detail.FailureReason ? { reason: detail.FailureReason } : {}),
  };
}

const invalid = (problems: readonly string[]): VedetteError =>
  new VedetteError(
    'REQUEST_INVALID',
    `this is no «${TRAINING_EVENT}» of EventBridge:${problems.map((one) => `\n  - ${one}`).join('')}`,
    { details: { problems } },
  );
