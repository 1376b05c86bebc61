import { maxSatisfying } from 'semver';
import { createHash } from 'node:crypto';
import { EmulatedDevice, configured } from './emulated-device.ts';
import type { Execution, InstalledOnDevice } from './emulated-device.ts';
import type { DeployedComponent, EmulatedDeployment } from './emulated-deployment.ts';
import type { EmulatedVersion } from './emulated-version.ts';
import { artifactsOf } from './greengrass-recipe.ts';
import type { EmulatedS3 } from './s3-server.ts';
import { ACCOUNT_ID } from './sts-server.ts';

interface AbortCriterion {
  readonly failureType: 'FAILED' | 'REJECTED' | 'TIMED_OUT' | 'ALL';
  readonly thresholdPercentage: number;
  readonly minNumberOfExecutedThings: number;
}

/** Things, their groups, the deployments for them, and the devices that take these. */
export class EmulatedFleet {
  readonly devices = new Map<string, EmulatedDevice>();
  readonly groups = new Map<string, Set<string>>();
  readonly deployments: EmulatedDeployment[] = [];
  readonly region: string;
  readonly #versions: ReadonlyMap<string, EmulatedVersion>;
  readonly #s3: EmulatedS3;

  constructor(region: string, versions: ReadonlyMap<string, EmulatedVersion>, s3: EmulatedS3) {
    this.region = region;
    this.#versions = versions;
    this.#s3 = s3;
  }

  reset(): void {
    this.devices.clear();
    this.groups.clear();
    this.deployments.length = 0;
  }

  add(name: string, groups: readonly string[] = []): EmulatedDevice {
    const device = new EmulatedDevice(name);
    this.devices.set(name, device);
    for (const group of groups) {
      const members = this.groups.get(group) ?? new Set();
      this.groups.set(group, members.add(name));
    }
    return device;
  }

  arnOf(target: string): string {
    return `arn:aws:iot:${this.region}:${ACCOUNT_ID}:${target}`;
  }

  latestFor(targetArn: string): EmulatedDeployment | undefined {
    return this.deployments.findLast((one) => one.targetArn === targetArn);
  }

  membersOf(targetArn: string): string[] {
    const [, kind, name = ''] = /:(thing|thinggroup)\/(.+)$/.exec(targetArn) ?? [];
    if (kind === 'thing') return this.devices.has(name) ? [name] : [];
    return [...(this.groups.get(name) ?? [])];
  }

  /** The one way by which a deployment comes to be. */
  put(deployment: EmulatedDeployment): void {
    const before = this.latestFor(deployment.targetArn);
    if (before) {
      before.isLatest = false;
      before.status = 'INACTIVE';
      this.#cancelQueued(before);
    }
    this.deployments.push(deployment);
  }

  cancel(deployment: EmulatedDeployment): void {
    deployment.status = 'CANCELED';
    this.#cancelQueued(deployment);
  }

  /** Each device of the target goes one step on with this deployment. */
  advance(deployment: EmulatedDeployment): void {
    for (const name of this.membersOf(deployment.targetArn)) this.#advanceOn(name, deployment);
  }

  /** The device goes one step on with everything that is meant for it. */
  advanceDevice(name: string): void {
    for (const deployment of this.deployments) {
      if (this.membersOf(deployment.targetArn).includes(name)) this.#advanceOn(name, deployment);
    }
  }

  #cancelQueued(deployment: EmulatedDeployment): void {
    for (const device of this.devices.values()) {
      const execution = device.executions.get(deployment.deploymentId);
      if (execution?.status === 'QUEUED' || execution?.status === 'IN_PROGRESS')
        execution.status = 'CANCELED';
    }
  }

  #advanceOn(name: string, deployment: EmulatedDeployment): void {
    const device = this.devices.get(name);
    if (!device || !deployment.isLatest || deployment.status !== 'ACTIVE') return;
    const id = deployment.deploymentId;
    const execution = device.executions.get(id) ?? queued(deployment);
    device.executions.set(id, execution);
    if (!device.isOnline) return;
    if (execution.status === 'QUEUED') {
      execution.status = 'IN_PROGRESS';
      execution.startedAtSeconds = Date.now() / 1000;
      device.looksLeft.set(id, device.looksToInstall);
    } else if (execution.status === 'IN_PROGRESS') {
      const left = device.looksLeft.get(id) ?? 0;
      if (left > 0) device.looksLeft.set(id, left - 1);
      else this.#install(device, deployment, execution);
    } else return;
    execution.updatedAtSeconds = Date.now() / 1000;
    device.lastStatusAtMs = Date.now();
  }

  #install(device: EmulatedDevice, deployment: EmulatedDeployment, execution: Execution): void {
    const effective = new Map(device.effective);
    effective.set(deployment.parentTargetArn ?? deployment.targetArn, deployment);
    const wanted = new Map<string, DeployedComponent>();
    let wrong = device.installFault(deployment);
    for (const one of effective.values()) {
      for (const [component, settings] of Object.entries(one.components)) {
        const other = wanted.get(component);
        if (other && other.componentVersion !== settings.componentVersion)
          wrong ??= `${component}: ${other.componentVersion} and ${settings.componentVersion} are wanted at once`;
        // Configuration is applied by the deployment that brings it, not by every later one.
        wanted.set(component, one === deployment ? settings : (other ?? withoutUpdate(settings)));
      }
    }
    const installed = new Map<string, InstalledOnDevice>();
    for (const [component, settings] of wanted) {
      const before = device.installed.get(component);
      const version = this.#versionOf(component, settings.componentVersion);
      if (before?.version !== settings.componentVersion) wrong ??= this.#download(device, version);
      const defaults = version && defaultsOf(version.recipe);
      const start = before?.configuration ?? structuredClone(defaults) ?? {};
      const configuration = configured(start, defaults, settings.configurationUpdate ?? {});
      installed.set(component, { version: settings.componentVersion, configuration });
      wrong ??= this.#addDependencies(version, installed, wanted);
    }
    execution.status = wrong === undefined ? 'SUCCEEDED' : 'FAILED';
    execution.reason = wrong ?? 'SUCCESSFUL';
    if (wrong !== undefined) {
      this.#abort(deployment);
      return;
    }
    device.effective.clear();
    for (const [target, one] of effective) device.effective.set(target, one);
    device.installed.clear();
    for (const [component, one] of installed) device.installed.set(component, one);
    device.history.push(deployment.deploymentId);
  }

  /** As the job of a deployment ends it when too much of what it executed failed. */
  #abort(deployment: EmulatedDeployment): void {
    const { abortConfig } = (deployment.request['iotJobConfiguration'] ?? {}) as {
      readonly abortConfig?: { readonly criteriaList: readonly AbortCriterion[] };
    };
    const statuses = [...this.devices.values()].flatMap(
      ({ executions }) => executions.get(deployment.deploymentId)?.status ?? [],
    );
    const executed = statuses.filter((status) => status !== 'QUEUED' && status !== 'IN_PROGRESS');
    const isMet = ({
      failureType,
      thresholdPercentage,
      minNumberOfExecutedThings,
    }: AbortCriterion) => {
      const failed = executed.filter((status) =>
        failureType === 'ALL' ? status !== 'SUCCEEDED' : status === failureType,
      );
      const share = (100 * failed.length) / executed.length;
      return executed.length >= minNumberOfExecutedThings && share >= thresholdPercentage;
    };
    if (abortConfig?.criteriaList.some(isMet)) this.cancel(deployment);
  }

  /** The newest version in range of whatever a component needs and no deployment names. */
  #addDependencies(
    of: EmulatedVersion | undefined,
    installed: Map<string, InstalledOnDevice>,
    named: ReadonlyMap<string, DeployedComponent>,
  ): string | undefined {
    const needs = (of?.recipe['ComponentDependencies'] ?? {}) as Readonly<
      Record<string, { readonly VersionRequirement: string }>
    >;
    for (const [component, { VersionRequirement }] of Object.entries(needs)) {
      if (named.has(component) || installed.has(component)) continue;
      const known = [...this.#versions.values()].filter(({ name }) => name === component);
      const version = maxSatisfying(
        known.map((one) => one.version),
        VersionRequirement,
      );
      if (version === null) return `${component}: no version in ${VersionRequirement}`;
      const found = this.#versionOf(component, version);
      const configuration = found ? (structuredClone(defaultsOf(found.recipe)) ?? {}) : {};
      installed.set(component, { version, configuration, isDependency: true });
      const wrong = this.#addDependencies(found, installed, named);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  #versionOf(component: string, version: string): EmulatedVersion | undefined {
    const end = `:components:${component}:versions:${version}`;
    return this.#versions.get(`arn:aws:greengrass:${this.region}:${ACCOUNT_ID}${end}`);
  }

  /** Every artifact, compared with the digest that Greengrass computed. */
  #download(device: EmulatedDevice, version: EmulatedVersion | undefined): string | undefined {
    if (!version) return undefined;
    for (const { Uri, Digest } of artifactsOf(version.recipe)) {
      const object = this.#s3.objects.get(Uri.replace('s3://', ''));
      if (!object) return `${Uri} cannot be downloaded`;
      device.bytesDownloaded += object.data.length;
      const sum = createHash('sha256').update(object.data).digest('base64');
      if (Digest !== undefined && sum !== Digest) return `${Uri} has another digest`;
    }
    return undefined;
  }
}

const queued = ({ createdAtSeconds }: EmulatedDeployment): Execution => ({
  status: 'QUEUED',
  queuedAtSeconds: createdAtSeconds,
  updatedAtSeconds: createdAtSeconds,
  reason: '',
});

const withoutUpdate = ({ componentVersion }: DeployedComponent): DeployedComponent => ({
  componentVersion,
});

const defaultsOf = (recipe: Readonly<Record<string, unknown>>): unknown =>
  (recipe['ComponentConfiguration'] as { DefaultConfiguration?: unknown } | undefined)
    ?.DefaultConfiguration;
