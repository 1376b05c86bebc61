type State = 'REQUESTED' | 'INITIATED' | 'DEPLOYABLE' | 'FAILED' | 'DEPRECATED';

export interface EmulatedVersion {
  readonly arn: string;
  readonly name: string;
  readonly version: string;
  readonly recipe: Record<string, unknown>;
  readonly tags: Record<string, string>;
  readonly createdAtSeconds: number;
  state: State;
  message: string;
  errors: Record<string, string>;
  /** Looks at it until it leaves its state. */
  looksLeft: number;
}
