export type TrainingState = 'running' | 'completed' | 'failed' | 'stopped';

export interface TrainingJob {
  readonly name: string;
  readonly state: TrainingState;
  /** As SageMaker names it, such as `InProgress`, with what it does now. */
  readonly says: string;
  /** Why it failed. */
  readonly reason?: string;
  /** `s3://…` of its output archive; there is one when it is completed. */
  readonly modelUri?: string;
}

/** Where models are trained. */
export interface TrainingJobs {
  /** @throws VedetteError AWS_* with the call and its cause */
  training(name: string): Promise<TrainingJob | undefined>;
  close(): void;
}
