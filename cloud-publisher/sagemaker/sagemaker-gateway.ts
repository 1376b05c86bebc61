import {
  CreateCompilationJobCommand,
  DescribeCompilationJobCommand,
  DescribeTrainingJobCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type {
  CompilationJobStatus,
  CreateCompilationJobCommandInput,
  TrainingJobStatus,
} from '@aws-sdk/client-sagemaker';
import type { CredentialSource } from '../aws/credential-source.ts';
import { callAws, clientSettings } from '../aws/call-aws.ts';
import type { AwsIdentity } from '../aws/find-account.ts';
import type {
  CompilationJob,
  CompilationRequest,
  CompilationState,
  ModelCompiler,
} from './model-compiler.ts';
import type { TrainingJob, TrainingJobs, TrainingState } from './training-jobs.ts';

/** As DDA's portal has it: what its training exports, and an hour. */
const PYTORCH_VERSION = '1.8';
export const MAX_COMPILATION_SECONDS = 3600;

/** @param region AWS_REGION or the profile's when absent */
export const openSageMaker = (
  region: string | undefined,
  credentials?: CredentialSource,
): SageMakerClient => new SageMakerClient(clientSettings(region, credentials));

/** Compilation jobs of SageMaker Neo and training jobs. Throttled calls are repeated by the SDK, with jitter. */
export class SageMakerGateway implements ModelCompiler, TrainingJobs {
  readonly description: string;
  readonly #client: SageMakerClient;
  readonly #account: AwsIdentity;

  constructor(client: SageMakerClient, account: AwsIdentity) {
    this.#client = client;
    this.#account = account;
    this.description = `SageMaker of ${account.accountId} in ${account.region}`;
  }

  plan({ name, modelUri, platform, outputUri }: CompilationRequest): string[] {
    const { os, architecture, accelerator, compilerOptions } = platform;
    const on = [os, architecture, accelerator].filter((part) => part !== undefined).join(' ');
    const options = compilerOptions ? ` with ${JSON.stringify(compilerOptions)}` : '';
    return [
      `sagemaker:DescribeCompilationJob ${name}, if it exists`,
      `sagemaker:CreateCompilationJob ${name}: ${modelUri} for ${on}${options}`,
      `sagemaker:DescribeCompilationJob ${name}, until it has ended`,
      `s3:GetObject of its archive, below ${outputUri}`,
    ];
  }

  async find(name: string): Promise<CompilationJob | undefined> {
    const found = await callAws(
      'sagemaker:DescribeCompilationJob',
      this.#arnOf('compilation-job', name),
      () =>
        this.#client
          .send(new DescribeCompilationJobCommand({ CompilationJobName: name }))
          .catch(unlessAbsent),
    );
    if (!found) return undefined;
    const says = found.CompilationJobStatus ?? 'STARTING';
    const archiveUri = found.ModelArtifacts?.S3ModelArtifacts;
    return {
      name,
      state: compilationStateOf(says),
      says,
      ...(found.FailureReason ? { reason: found.FailureReason } : {}),
      ...(archiveUri ? { archiveUri } : {}),
    };
  }

  async start(request: CompilationRequest): Promise<CompilationJob> {
    const { name } = request;
    const created = await callAws(
      'sagemaker:CreateCompilationJob',
      this.#arnOf('compilation-job', name),
      () =>
        this.#client
          .send(new CreateCompilationJobCommand(inputOf(request)))
          .catch((error: unknown) => this.#unlessThere(error, name)),
    );
    return 'state' in created ? created : { name, state: 'waiting', says: 'STARTING' };
  }

  async training(name: string): Promise<TrainingJob | undefined> {
    const found = await callAws(
      'sagemaker:DescribeTrainingJob',
      this.#arnOf('training-job', name),
      () =>
        this.#client
          .send(new DescribeTrainingJobCommand({ TrainingJobName: name }))
          .catch(unlessAbsent),
    );
    if (!found) return undefined;
    const says = found.TrainingJobStatus ?? 'InProgress';
    const state = trainingStateOf(says);
    const modelUri = found.ModelArtifacts?.S3ModelArtifacts;
    const step = found.SecondaryStatus;
    return {
      name,
      state,
      says: state === 'running' && step !== undefined ? `${says} (${step})` : says,
      ...(found.FailureReason ? { reason: found.FailureReason } : {}),
      ...(modelUri ? { modelUri } : {}),
    };
  }

  close(): void {
    this.#client.destroy();
  }

  /** Somebody else began it in between, or an answer was lost and the call repeated. */
  async #unlessThere(error: unknown, name: string): Promise<CompilationJob> {
    const { name: type } = error as { readonly name?: unknown };
    const found =
      type === 'ResourceInUse' || type === 'ConflictException' ? await this.find(name) : undefined;
    if (found) return found;
    throw error;
  }

  #arnOf(kind: 'compilation-job' | 'training-job', name: string): string {
    const { partition, region, accountId } = this.#account;
    return `arn:${partition}:sagemaker:${region}:${accountId}:${kind}/${name.toLowerCase()}`;
  }
}

function inputOf({
  name,
  modelUri,
  inputShapes,
  platform,
  roleArn,
  outputUri,
  tags,
}: CompilationRequest): CreateCompilationJobCommandInput {
  const { os, architecture, accelerator, compilerOptions } = platform;
  return {
    CompilationJobName: name,
    RoleArn: roleArn,
    InputConfig: {
      S3Uri: modelUri,
      DataInputConfig: JSON.stringify(inputShapes),
      Framework: 'PYTORCH',
      FrameworkVersion: PYTORCH_VERSION,
    },
    OutputConfig: {
      S3OutputLocation: outputUri,
      TargetPlatform: {
        Os: os,
        Arch: architecture,
        ...(accelerator ? { Accelerator: accelerator } : {}),
      },
      ...(compilerOptions ? { CompilerOptions: JSON.stringify(compilerOptions) } : {}),
    },
    StoppingCondition: { MaxRuntimeInSeconds: MAX_COMPILATION_SECONDS },
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  };
}

function compilationStateOf(status: CompilationJobStatus): CompilationState {
  if (status === 'COMPLETED') return 'completed';
  if (status === 'FAILED') return 'failed';
  return status === 'STOPPED' ? 'stopped' : 'waiting';
}

function trainingStateOf(status: TrainingJobStatus): TrainingState {
  if (status === 'Completed') return 'completed';
  if (status === 'Failed') return 'failed';
  return status === 'InProgress' || status === 'Stopping' ? 'running' : 'stopped';
}

/** SageMaker says either that there is no such resource, or that the request is invalid because of it. */
function unlessAbsent(error: unknown): undefined {
  const { name, message } = error as { readonly name?: unknown; readonly message?: string };
  const isAbsent =
    name === 'ResourceNotFound' ||
    (name === 'ValidationException' &&
      /not found|could not find|does not exist/i.test(message ?? ''));
  if (isAbsent) return undefined;
  throw error;
}
