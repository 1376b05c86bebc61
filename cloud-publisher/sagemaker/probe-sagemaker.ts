import {
  DescribeCompilationJobCommand,
  DescribeTrainingJobCommand,
} from '@aws-sdk/client-sagemaker';
import type { CredentialSource } from '../aws/credential-source.ts';
import type { AwsIdentity } from '../aws/find-account.ts';
import { probeCall, refusedAs } from '../aws/probe-call.ts';
import type { CallProbe } from '../aws/probe-call.ts';
import { openSageMaker } from './sagemaker-gateway.ts';

/** Of a job that nobody has. */
const NOBODY = 'vedette-doctor-looks';

/** Tries the calls of SageMaker that change nothing; CreateCompilationJob cannot be tried without a trace. */
export async function probeSageMaker(
  { partition, region, accountId }: AwsIdentity,
  credentials?: CredentialSource,
): Promise<CallProbe[]> {
  const client = openSageMaker(region, credentials);
  const absent = refusedAs('ResourceNotFound', 'ValidationException');
  const arn = `arn:${partition}:sagemaker:${region}:${accountId}`;
  try {
    return [
      await probeCall(
        'sagemaker:DescribeCompilationJob',
        `${arn}:compilation-job/${NOBODY}`,
        () => client.send(new DescribeCompilationJobCommand({ CompilationJobName: NOBODY })),
        absent,
      ),
      await probeCall(
        'sagemaker:DescribeTrainingJob',
        `${arn}:training-job/${NOBODY}`,
        () => client.send(new DescribeTrainingJobCommand({ TrainingJobName: NOBODY })),
        absent,
      ),
    ];
  } finally {
    client.destroy();
  }
}
