import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { buildTar } from '../archive-builder.ts';
import type { EmulatedKeys } from './credentials.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';
import { fault, invalid, json, refusal } from './rest-json.ts';
import type { EmulatedS3 } from './s3-server.ts';
import { ACCOUNT_ID } from './sts-server.ts';

interface CompilationInput {
  readonly CompilationJobName: string;
  readonly RoleArn: string;
  readonly InputConfig: {
    readonly S3Uri: string;
    readonly DataInputConfig: string;
    readonly Framework: string;
    readonly FrameworkVersion: string;
  };
  readonly OutputConfig: {
    readonly S3OutputLocation: string;
    readonly TargetPlatform: Readonly<Record<'Os' | 'Arch' | 'Accelerator', string | undefined>>;
    readonly CompilerOptions?: string;
  };
  readonly StoppingCondition: { readonly MaxRuntimeInSeconds: number };
  readonly Tags: readonly { readonly Key: string; readonly Value: string }[];
}

export interface EmulatedCompilation {
  readonly input: CompilationInput;
  state: 'STARTING' | 'INPROGRESS' | 'COMPLETED' | 'FAILED' | 'STOPPED';
  reason?: string;
  archiveUri?: string;
  looksLeft: number;
}

export interface EmulatedTraining {
  /** States in the order in which they are seen; the last one stays. */
  readonly states: string[];
  readonly modelUri?: string;
  readonly reason?: string;
}

const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;
/** Roles that the account has, and that may read and write its buckets. */
export const NEO_ROLE = `arn:aws:iam::${ACCOUNT_ID}:role/Neo`;

/**
 * Compilation and training jobs of SageMaker, in its JSON protocol: states that advance while they
 * are looked at, models really read from the emulated S3 and archives put there, names that are
 * taken for ever, validation, failures by platform.
 */
export class EmulatedSageMaker extends LoopbackServer {
  readonly compilations = new Map<string, EmulatedCompilation>();
  readonly trainings = new Map<string, EmulatedTraining>();
  /** Why compiling fails, by the platform's architecture with its accelerator, such as `X86_64 NVIDIA`. */
  readonly failures = new Map<string, string>();
  /** Looks at each state before the next one. */
  looksPerState = 1;
  /** Jobs never leave their first state. */
  isStuck = false;
  readonly #keys: EmulatedKeys;
  readonly #s3: EmulatedS3;
  readonly #region: string;

  constructor(keys: EmulatedKeys, s3: EmulatedS3, region: string) {
    super();
    this.#keys = keys;
    this.#s3 = s3;
    this.#region = region;
  }

  reset(): void {
    this.compilations.clear();
    this.trainings.clear();
    this.failures.clear();
    this.looksPerState = 1;
    this.isStuck = false;
  }

  protected operationOf({ headers }: EmulatedRequest): string {
    return `sagemaker:${(headers['x-amz-target'] ?? '').replace(/^SageMaker\./, '')}`;
  }

  protected handle(request: EmulatedRequest): EmulatedAnswer {
    const refused = refusal(request, this.#keys, this.#region);
    if (refused) return refused;
    const input = JSON.parse(request.body.toString()) as Record<string, unknown>;
    switch (request.operation) {
      case 'sagemaker:CreateCompilationJob':
        return this.#create(input as unknown as CompilationInput);
      case 'sagemaker:DescribeCompilationJob':
        return this.#describe(String(input['CompilationJobName']));
      case 'sagemaker:DescribeTrainingJob':
        return this.#describeTraining(String(input['TrainingJobName']));
      default:
        return fault(400, 'UnknownOperationException', request.operation);
    }
  }

  #create(input: CompilationInput): EmulatedAnswer {
    const { CompilationJobName: name, RoleArn, InputConfig, OutputConfig } = input;
    if (!NAME.test(name)) return invalid(`compilationJobName '${name}' is invalid`);
    if (RoleArn !== NEO_ROLE) return invalid(`Could not assume role ${RoleArn}`);
    const { Os, Arch, Accelerator } = OutputConfig.TargetPlatform;
    if (Os !== 'LINUX' || (Arch !== 'ARM64' && Arch !== 'X86_64')) return invalid('TargetPlatform');
    const options = JSON.parse(OutputConfig.CompilerOptions ?? '{}') as Record<string, string>;
    const needed = Accelerator === 'NVIDIA' ? ['gpu-code', 'trt-ver', 'cuda-ver'] : [];
    const missing = needed.filter((key) => options[key] === undefined);
    if (missing.length > 0) return invalid(`CompilerOptions lack ${missing.join(', ')}`);
    const shapes = Object.values(JSON.parse(InputConfig.DataInputConfig) as object) as unknown[];
    if (shapes.length !== 1 || !Array.isArray(shapes[0])) return invalid('DataInputConfig');
    if (InputConfig.Framework !== 'PYTORCH') return invalid('Framework');
    if (this.compilations.has(name)) {
      return fault(400, 'ResourceInUse', `A compilation job named ${name} already exists`);
    }
    this.compilations.set(name, { input, state: 'STARTING', looksLeft: this.looksPerState });
    return json(200, { CompilationJobArn: this.#arnOf('compilation-job', name) });
  }

  #describe(name: string): EmulatedAnswer {
    const job = this.compilations.get(name);
    if (!job) return fault(400, 'ResourceNotFound', `Could not find compilation job ${name}`);
    this.#advance(job);
    return json(200, {
      ...job.input,
      CompilationJobArn: this.#arnOf('compilation-job', name),
      CompilationJobStatus: job.state,
      FailureReason: job.reason ?? '',
      ModelArtifacts: { S3ModelArtifacts: job.archiveUri ?? '' },
      CreationTime: 0,
      LastModifiedTime: 0,
    });
  }

  #advance(job: EmulatedCompilation): void {
    if (this.isStuck || (job.state !== 'STARTING' && job.state !== 'INPROGRESS')) return;
    if (job.looksLeft > 0) {
      job.looksLeft -= 1;
      return;
    }
    job.looksLeft = this.looksPerState;
    if (job.state === 'STARTING') {
      job.state = 'INPROGRESS';
      return;
    }
    const reason = this.#compile(job);
    job.state = reason === undefined ? 'COMPLETED' : 'FAILED';
    if (reason !== undefined) job.reason = reason;
  }

  /** Reads the model and puts the archive; @returns why it cannot. */
  #compile(job: EmulatedCompilation): string | undefined {
    const { InputConfig, OutputConfig } = job.input;
    const { Os, Arch, Accelerator } = OutputConfig.TargetPlatform;
    const platform = [Arch, Accelerator].filter((part) => part !== undefined).join(' ');
    const failure = this.failures.get(platform);
    if (failure !== undefined) return failure;
    const model = this.#s3.objects.get(InputConfig.S3Uri.replace('s3://', ''));
    if (!model) return `ClientError: Cannot find ${InputConfig.S3Uri}`;
    const tar = gunzipSync(model.data);
    const file = tar.toString('latin1', 0, tar.indexOf(0));
    const size = Number.parseInt(tar.toString('latin1', 124, 136), 8);
    const rest = tar.subarray(512 + Math.ceil(size / 512) * 512);
    if (!/^[^/]+\.pth?$/.test(file) || rest.some((byte) => byte !== 0)) {
      return `ClientError: InputConfiguration: expected one .pt file, found ${file}`;
    }
    const weights = createHash('sha256')
      .update(tar.subarray(512, 512 + size))
      .digest('hex');
    const archive = gzipSync(
      buildTar([
        { name: 'compiled.so', data: Buffer.from(`engine for ${platform} of ${weights}`) },
        { name: 'compiled_model.json', data: Buffer.from(InputConfig.DataInputConfig) },
      ]),
    );
    const fileName = `model-${[Os, Arch, Accelerator].filter(Boolean).join('_')}.tar.gz`;
    job.archiveUri = `${OutputConfig.S3OutputLocation}${fileName}`;
    this.#s3.place(job.archiveUri.replace('s3://', ''), archive);
    return undefined;
  }

  #describeTraining(name: string): EmulatedAnswer {
    const job = this.trainings.get(name);
    // SageMaker calls this a validation, though its reference says ResourceNotFound.
    if (!job) return invalid('Requested resource not found.');
    const status = job.states.length > 1 ? job.states.shift()! : job.states[0]!;
    const isDone = status === 'Completed';
    return json(200, {
      TrainingJobName: name,
      TrainingJobArn: this.#arnOf('training-job', name),
      TrainingJobStatus: status,
      SecondaryStatus: status === 'InProgress' ? 'Training' : status,
      ...(isDone && job.modelUri ? { ModelArtifacts: { S3ModelArtifacts: job.modelUri } } : {}),
      ...(job.reason === undefined ? {} : { FailureReason: job.reason }),
      CreationTime: 0,
    });
  }

  #arnOf(kind: string, name: string): string {
    return `arn:aws:sagemaker:${this.#region}:${ACCOUNT_ID}:${kind}/${name}`;
  }
}
