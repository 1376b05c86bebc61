export interface DeployedComponent {
  readonly componentVersion: string;
  readonly configurationUpdate?: { readonly merge?: string; readonly reset?: readonly string[] };
}

export interface EmulatedDeployment {
  readonly deploymentId: string;
  readonly deploymentName?: string;
  readonly targetArn: string;
  readonly parentTargetArn?: string;
  readonly components: Readonly<Record<string, DeployedComponent>>;
  readonly revision: number;
  readonly createdAtSeconds: number;
  /** Everything else of the request, as it came. */
  readonly request: Readonly<Record<string, unknown>>;
  status: 'ACTIVE' | 'COMPLETED' | 'CANCELED' | 'FAILED' | 'INACTIVE';
  isLatest: boolean;
}
