import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateComponentVersionCommand,
  DeleteComponentCommand,
  DescribeComponentCommand,
  GetComponentCommand,
  GreengrassV2Client,
  paginateListComponentVersions,
  paginateListComponents,
} from '@aws-sdk/client-greengrassv2';
import type { CloudComponentStatus } from '@aws-sdk/client-greengrassv2';
import { VedetteError } from '../../component/contract/errors.ts';
import type { CredentialSource } from '../aws/credential-source.ts';
import { callAws, clientSettings, unlessAbsent } from '../aws/call-aws.ts';
import { GREENGRASS_CALLS_PER_SECOND, pace } from './call-pace.ts';
import { compareVersions } from './compare-versions.ts';
import { PUBLIC_COMPONENT } from './component-gateway.ts';
import { DeploymentGateway } from './deployment-gateway.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import type {
  ComponentArtifact,
  ComponentDetails,
  ComponentGateway,
  ComponentState,
  ComponentSummary,
  ComponentVersion,
  CreateRequest,
} from './component-gateway.ts';

/** Whose components: from the caller's identity. */
export interface AwsAccount {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/** CreateComponentVersion takes one call a second in a region; a little more, as networks vary. */
const CREATE_INTERVAL_MS = 1100;
const PAGE_SIZE = 100;

/**
 * All gateways of one client keep its rate together.
 * @param region AWS_REGION or the profile's when absent
 * @param callsPerSecond quota of the account
 */
export function openGreengrass(
  region: string | undefined,
  credentials?: CredentialSource,
  callsPerSecond = GREENGRASS_CALLS_PER_SECOND,
): GreengrassV2Client {
  const client = new GreengrassV2Client(clientSettings(region, credentials));
  pace(client, callsPerSecond);
  return client;
}

/** Component versions in AWS IoT Greengrass. Throttled calls are repeated by the SDK, with jitter. */
export class GreengrassGateway implements ComponentGateway {
  readonly description: string;
  readonly hasDigests = true;
  readonly #client: GreengrassV2Client;
  readonly #account: AwsAccount;
  #createsAfterMs = 0;

  constructor(client: GreengrassV2Client, account: AwsAccount) {
    this.#client = client;
    this.#account = account;
    this.description = `greengrass of ${account.accountId} in ${account.region}`;
  }

  plan(component: string, version: string): string[] {
    const arn = this.#arnOf(component, version);
    return [
      `greengrass:DescribeComponent ${arn}, if it exists`,
      `greengrass:CreateComponentVersion ${component} ${version}`,
      `greengrass:DescribeComponent ${arn}, until it is deployable`,
      `greengrass:GetComponent ${arn}, to compare the digests of its artifacts`,
    ];
  }

  /** Greengrass has AWS' own components too. */
  isProvided(): boolean {
    return false;
  }

  async find(component: string, version: string): Promise<ComponentVersion | undefined> {
    const arn = this.#arnOf(component, version);
    const found = await callAws('greengrass:DescribeComponent', arn, () =>
      this.#client.send(new DescribeComponentCommand({ arn })).catch(unlessAbsent),
    );
    if (!found) return undefined;
    return versionOf(arn, component, version, found.status, found.tags);
  }

  async versions(component: string): Promise<string[]> {
    const arn = this.#arnOf(component);
    return callAws('greengrass:ListComponentVersions', arn, async () => {
      const versions: string[] = [];
      try {
        const pages = paginateListComponentVersions(
          { client: this.#client, pageSize: PAGE_SIZE },
          { arn },
        );
        for await (const { componentVersions = [] } of pages) {
          versions.push(...componentVersions.flatMap((one) => one.componentVersion ?? []));
        }
      } catch (error) {
        unlessAbsent(error);
      }
      return versions.sort((a, b) => compareVersions(b, a));
    });
  }

  async list(): Promise<ComponentSummary[]> {
    return callAws('greengrass:ListComponents', '*', async () => {
      const found: ComponentSummary[] = [];
      const pages = paginateListComponents(
        { client: this.#client, pageSize: PAGE_SIZE },
        { scope: 'PRIVATE' },
      );
      for await (const { components = [] } of pages) {
        for (const { componentName, latestVersion, arn } of components) {
          if (componentName === undefined) continue;
          found.push({
            component: componentName,
            latestVersion: latestVersion?.componentVersion ?? '',
            arn: arn ?? '',
          });
        }
      }
      return found.sort((a, b) => (a.component < b.component ? -1 : 1));
    });
  }

  async recipe(component: string, version: string): Promise<unknown> {
    return (await this.details(component, version)).recipe;
  }

  async details(component: string, version: string): Promise<ComponentDetails> {
    const arn = this.#arnOf(component, version);
    const found = await callAws('greengrass:GetComponent', arn, () =>
      this.#client
        .send(new GetComponentCommand({ arn, recipeOutputFormat: 'JSON' }))
        .catch(unlessAbsent),
    );
    if (found?.recipe) {
      const recipe: unknown = JSON.parse(Buffer.from(found.recipe).toString('utf8'));
      return { recipe, tags: { ...found.tags } };
    }
    throw new VedetteError(
      'COMPONENT_NOT_FOUND',
      `there is no ${component} ${version} in ${this.description}`,
    );
  }

  async artifacts(component: string, version: string): Promise<ComponentArtifact[]> {
    const { recipe } = await this.details(component, version);
    return [...readRecipe(recipe, `${component} ${version}`).artifacts];
  }

  async create({
    component,
    version,
    recipe,
    tags,
    clientToken,
  }: CreateRequest): Promise<ComponentVersion> {
    const arn = this.#arnOf(component, version);
    await this.#waitForTurn();
    const inlineRecipe = Buffer.from(JSON.stringify(recipe));
    const input = { inlineRecipe, tags: { ...tags }, clientToken };
    const created = await callAws('greengrass:CreateComponentVersion', arn, () =>
      this.#client.send(new CreateComponentVersionCommand(input)).catch(unlessInProgress),
    );
    if (created) return versionOf(created.arn ?? arn, component, version, created.status, tags);
    throw new VedetteError('COMPONENT_VERSION_EXISTS', `${component} ${version} exists already`);
  }

  /** A version and its tags are made by one call. */
  completeTags(): Promise<void> {
    return Promise.resolve();
  }

  async deploymentsWith(component: string, version: string): Promise<string[]> {
    const { partition, region, accountId } = this.#account;
    const deployments = new DeploymentGateway(
      this.#client,
      `arn:${partition}:greengrass:${region}:${accountId}`,
    );
    const found: string[] = [];
    for (const { deploymentId, targetArn } of await deployments.latest()) {
      const { components, status } = await deployments.get(deploymentId);
      if (status === 'INACTIVE' || components[component]?.componentVersion !== version) continue;
      found.push(`the deployment of ${targetArn.split(':').at(-1)}`);
    }
    return found;
  }

  async remove(component: string, version: string): Promise<void> {
    const arn = this.#arnOf(component, version);
    await callAws('greengrass:DeleteComponent', arn, () =>
      this.#client.send(new DeleteComponentCommand({ arn })).catch(unlessAbsent),
    );
  }

  close(): void {
    this.#client.destroy();
  }

  #arnOf(component: string, version?: string): string {
    const { partition, region, accountId } = this.#account;
    const owner = PUBLIC_COMPONENT.test(component) ? 'aws' : accountId;
    const arn = `arn:${partition}:greengrass:${region}:${owner}:components:${component}`;
    return version === undefined ? arn : `${arn}:versions:${version}`;
  }

  async #waitForTurn(): Promise<void> {
    const now = Date.now();
    const turn = Math.max(now, this.#createsAfterMs);
    this.#createsAfterMs = turn + CREATE_INTERVAL_MS;
    if (turn > now) await pause(turn - now);
  }
}

function versionOf(
  arn: string,
  component: string,
  version: string,
  status: CloudComponentStatus | undefined,
  tags: Readonly<Record<string, string>> | undefined,
): ComponentVersion {
  const message = status?.message;
  const hasMessage = message !== undefined && message !== '' && message !== 'NONE';
  return {
    arn,
    component,
    version,
    state: (status?.componentState ?? 'REQUESTED') as ComponentState,
    ...(hasMessage ? { message } : {}),
    errors: { ...status?.errors },
    tags: { ...tags },
  };
}

/** A version that exists, or one that is being made by a request with the same token. */
function unlessInProgress(error: unknown): undefined {
  const { name } = error as { name?: unknown };
  if (name === 'ConflictException' || name === 'RequestAlreadyInProgressException')
    return undefined;
  throw error;
}
