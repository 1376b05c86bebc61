import {
  CancelDeploymentCommand,
  CreateDeploymentCommand,
  GetCoreDeviceCommand,
  GetDeploymentCommand,
  paginateListCoreDevices,
  paginateListDeployments,
  paginateListEffectiveDeployments,
  paginateListInstalledComponents,
} from '@aws-sdk/client-greengrassv2';
import type {
  ComponentDeploymentSpecification,
  DeploymentIoTJobConfiguration,
  DeploymentPolicies,
  GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { VedetteError } from '../../component/contract/errors.ts';
import { callAws, unlessAbsent } from '../aws/call-aws.ts';

/** Components of a deployment as Greengrass keeps them: `merge` is JSON as a text. */
export type DeployedComponents = Readonly<Record<string, ComponentDeploymentSpecification>>;

export type IotJobConfiguration = DeploymentIoTJobConfiguration;

/** What a target has, and what replaces it. */
export interface DeploymentDocument {
  readonly components: DeployedComponents;
  readonly deploymentPolicies?: DeploymentPolicies;
  readonly iotJobConfiguration?: IotJobConfiguration;
}

export interface DeploymentSummary {
  readonly deploymentId: string;
  readonly name: string;
  readonly targetArn: string;
  readonly parentTargetArn?: string;
  readonly createdAtMs: number;
}

export interface Deployment extends DeploymentSummary, DeploymentDocument {
  readonly status: string;
  readonly isLatest: boolean;
  /** Of the job that takes it to a group's devices; a thing has none. */
  readonly jobId?: string;
}

export interface DeploymentRequest extends DeploymentDocument {
  readonly targetArn: string;
  readonly parentTargetArn?: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Two requests with one token make one deployment. */
  readonly clientToken: string;
}

export interface CoreDevice {
  readonly thing: string;
  readonly status: string;
  /** When the nucleus last said how it is: 0 when never. */
  readonly lastStatusAtMs: number;
  readonly platform: string;
  readonly architecture: string;
  /** `aws_nucleus_classic` or `aws_nucleus_lite`; empty when it is not known. */
  readonly runtime: string;
}

export interface EffectiveDeployment {
  readonly deploymentId: string;
  readonly name: string;
  readonly targetArn: string;
  readonly status: string;
  readonly reason: string;
  readonly modifiedAtMs: number;
}

export interface InstalledComponent {
  readonly component: string;
  readonly version: string;
  readonly state: string;
  /** Whether a deployment named it: the others are dependencies. */
  readonly isRoot: boolean;
}

const PAGE_SIZE = 100;

/** Deployments and core devices of AWS IoT Greengrass. */
export class DeploymentGateway {
  readonly #client: GreengrassV2Client;
  readonly #accountArn: string;

  /** @param accountArn `arn:<partition>:greengrass:<region>:<account>` */
  constructor(client: GreengrassV2Client, accountArn: string) {
    this.#client = client;
    this.#accountArn = accountArn;
  }

  /** Of a target, newest first, its whole history: `newest` is cheaper where that is all. */
  history(targetArn: string): Promise<DeploymentSummary[]> {
    return this.#list({ targetArn, historyFilter: 'ALL' }, targetArn);
  }

  /** Of a target; nothing when it never had a deployment. */
  async newest(targetArn: string): Promise<DeploymentSummary | undefined> {
    return (await this.#list({ targetArn, historyFilter: 'LATEST_ONLY' }, targetArn))[0];
  }

  /** The newest of each target of the account. */
  latest(): Promise<DeploymentSummary[]> {
    return this.#list({ historyFilter: 'LATEST_ONLY' }, '*');
  }

  /** What devices of the target are to have now; nothing when it never had a deployment. */
  async latestFor(targetArn: string): Promise<Deployment | undefined> {
    const newest = await this.newest(targetArn);
    return newest && this.get(newest.deploymentId);
  }

  /** @throws VedetteError NOT_FOUND */
  async get(deploymentId: string): Promise<Deployment> {
    const found = await callAws('greengrass:GetDeployment', this.#arnOf(deploymentId), () =>
      this.#client.send(new GetDeploymentCommand({ deploymentId })).catch(unlessAbsent),
    );
    if (!found) throw new VedetteError('NOT_FOUND', `there is no deployment ${deploymentId}`);
    const { components = {}, deploymentPolicies, iotJobConfiguration, iotJobId } = found;
    return {
      ...summaryOf(found),
      components,
      ...(deploymentPolicies ? { deploymentPolicies } : {}),
      ...(iotJobConfiguration ? { iotJobConfiguration } : {}),
      ...(iotJobId === undefined ? {} : { jobId: iotJobId }),
      status: found.deploymentStatus ?? 'ACTIVE',
      isLatest: found.isLatestForTarget ?? false,
    };
  }

  /** Replaces everything that the target had. @returns the id of the deployment */
  async create({ name, targetArn, components, tags, ...rest }: DeploymentRequest): Promise<string> {
    const { deploymentId } = await callAws('greengrass:CreateDeployment', targetArn, () =>
      this.#client.send(
        new CreateDeploymentCommand({
          ...rest,
          targetArn,
          deploymentName: name,
          components: { ...components },
          tags: { ...tags },
        }),
      ),
    );
    if (deploymentId !== undefined) return deploymentId;
    throw new VedetteError('AWS_REQUEST_REFUSED', 'greengrass:CreateDeployment gave no id');
  }

  /** Devices that have not got it yet do not get it any more. One that is cancelled already is no error. */
  async cancel(deploymentId: string): Promise<void> {
    await callAws('greengrass:CancelDeployment', this.#arnOf(deploymentId), () =>
      this.#client.send(new CancelDeploymentCommand({ deploymentId })).catch(unlessOver),
    );
  }

  /** Of a thing group, or all of the account. */
  coreDevices(thingGroupArn?: string): Promise<CoreDevice[]> {
    return callAws('greengrass:ListCoreDevices', '*', async () => {
      const found: CoreDevice[] = [];
      const pages = paginateListCoreDevices(
        { client: this.#client, pageSize: PAGE_SIZE },
        thingGroupArn === undefined ? {} : { thingGroupArn },
      );
      for await (const { coreDevices = [] } of pages) {
        found.push(...coreDevices.map(coreDeviceOf));
      }
      return found;
    });
  }

  async coreDevice(thing: string): Promise<CoreDevice | undefined> {
    const found = await callAws('greengrass:GetCoreDevice', this.#deviceArn(thing), () =>
      this.#client
        .send(new GetCoreDeviceCommand({ coreDeviceThingName: thing }))
        .catch(unlessAbsent),
    );
    return found && coreDeviceOf(found);
  }

  /** Newest first; none for a thing that is no core device. */
  effective(thing: string): Promise<EffectiveDeployment[]> {
    return callAws('greengrass:ListEffectiveDeployments', this.#deviceArn(thing), async () => {
      const found: EffectiveDeployment[] = [];
      try {
        const pages = paginateListEffectiveDeployments(
          { client: this.#client, pageSize: PAGE_SIZE },
          { coreDeviceThingName: thing },
        );
        for await (const { effectiveDeployments = [] } of pages) {
          for (const one of effectiveDeployments) {
            const types = one.statusDetails?.errorTypes ?? [];
            found.push({
              deploymentId: one.deploymentId ?? '',
              name: one.deploymentName ?? '',
              targetArn: one.targetArn ?? '',
              status: one.coreDeviceExecutionStatus ?? '',
              reason: [one.reason, ...types].filter(Boolean).join(', '),
              modifiedAtMs: one.modifiedTimestamp?.getTime() ?? 0,
            });
          }
        }
      } catch (error) {
        unlessAbsent(error);
      }
      return found;
    });
  }

  installed(thing: string): Promise<InstalledComponent[]> {
    return callAws('greengrass:ListInstalledComponents', this.#deviceArn(thing), async () => {
      const found: InstalledComponent[] = [];
      try {
        const pages = paginateListInstalledComponents(
          { client: this.#client, pageSize: PAGE_SIZE },
          { coreDeviceThingName: thing, topologyFilter: 'ALL' },
        );
        for await (const { installedComponents = [] } of pages) {
          for (const one of installedComponents) {
            found.push({
              component: one.componentName ?? '',
              version: one.componentVersion ?? '',
              state: one.lifecycleState ?? '',
              isRoot: one.isRoot ?? false,
            });
          }
        }
      } catch (error) {
        unlessAbsent(error);
      }
      return found;
    });
  }

  close(): void {
    this.#client.destroy();
  }

  #list(
    input: { readonly targetArn?: string; readonly historyFilter: 'ALL' | 'LATEST_ONLY' },
    resource: string,
  ): Promise<DeploymentSummary[]> {
    return callAws('greengrass:ListDeployments', resource, async () => {
      const found: DeploymentSummary[] = [];
      const pages = paginateListDeployments({ client: this.#client, pageSize: PAGE_SIZE }, input);
      for await (const { deployments = [] } of pages) found.push(...deployments.map(summaryOf));
      return found.sort((a, b) => b.createdAtMs - a.createdAtMs);
    });
  }

  #arnOf = (deploymentId: string): string => `${this.#accountArn}:deployments:${deploymentId}`;
  #deviceArn = (thing: string): string => `${this.#accountArn}:coreDevices:${thing}`;
}

/** Conflict: it is not active, such as after a cancellation whose answer was lost. */
function unlessOver(error: unknown): undefined {
  if ((error as { name?: unknown }).name === 'ConflictException') return undefined;
  return unlessAbsent(error);
}

const coreDeviceOf = (one: {
  readonly coreDeviceThingName?: string | undefined;
  readonly status?: string | undefined;
  readonly lastStatusUpdateTimestamp?: Date | undefined;
  readonly platform?: string | undefined;
  readonly architecture?: string | undefined;
  readonly runtime?: string | undefined;
}): CoreDevice => ({
  thing: one.coreDeviceThingName ?? '',
  status: one.status ?? '',
  lastStatusAtMs: one.lastStatusUpdateTimestamp?.getTime() ?? 0,
  platform: one.platform ?? 'linux',
  architecture: one.architecture ?? '',
  runtime: one.runtime ?? '',
});

const summaryOf = (one: {
  readonly deploymentId?: string | undefined;
  readonly deploymentName?: string | undefined;
  readonly targetArn?: string | undefined;
  readonly parentTargetArn?: string | undefined;
  readonly creationTimestamp?: Date | undefined;
}): DeploymentSummary => ({
  deploymentId: one.deploymentId ?? '',
  name: one.deploymentName ?? '',
  targetArn: one.targetArn ?? '',
  ...(one.parentTargetArn === undefined ? {} : { parentTargetArn: one.parentTargetArn }),
  createdAtMs: one.creationTimestamp?.getTime() ?? 0,
});
