import type { NeoPlatform } from '../dda/neo-platforms.ts';

/** A model to be compiled for one platform. */
export interface CompilationRequest {
  /** Of the job, made of its content: the same request has the same. At most 63 letters, digits and dashes. */
  readonly name: string;
  /** `s3://…` of a tar.gz with the TorchScript file alone. */
  readonly modelUri: string;
  /** Shape by the name of the input, such as `[1, 3, 224, 224]`. */
  readonly inputShapes: Readonly<Record<string, readonly number[]>>;
  readonly platform: NeoPlatform;
  /** Role that reads the model and writes the archive. */
  readonly roleArn: string;
  /** `s3://…` below which the archive is put. */
  readonly outputUri: string;
  readonly tags: Readonly<Record<string, string>>;
}

export type CompilationState = 'waiting' | 'completed' | 'failed' | 'stopped';

export interface CompilationJob {
  readonly name: string;
  readonly state: CompilationState;
  /** As the compiler names it, such as `INPROGRESS`. */
  readonly says: string;
  /** Why it failed. */
  readonly reason?: string;
  /** `s3://…` of the archive; there is one when it is completed. */
  readonly archiveUri?: string;
}

/** Compiles models elsewhere, as jobs that are found again by their names. */
export interface ModelCompiler {
  /** For people. */
  readonly description: string;
  /** Calls that compiling would make, one a line, without making them. */
  plan(request: CompilationRequest): readonly string[];
  find(name: string): Promise<CompilationJob | undefined>;
  /**
   * Begins the job; when one of this name exists it is that one, whoever began it.
   * @throws VedetteError AWS_* with the call and its cause
   */
  start(request: CompilationRequest): Promise<CompilationJob>;
  close(): void;
}
