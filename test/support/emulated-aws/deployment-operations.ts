import { randomUUID } from 'node:crypto';
import type { EmulatedDeployment } from './emulated-deployment.ts';
import type { EmulatedFleet } from './emulated-fleet.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';
import { absent, conflict, fault, invalid, json, page } from './rest-json.ts';

export const DEPLOYMENT_OPERATIONS: readonly [method: string, path: RegExp, operation: string][] = [
  ['POST', /^deployments$/, 'CreateDeployment'],
  ['GET', /^deployments$/, 'ListDeployments'],
  ['POST', /^deployments\/[^/]+\/cancel$/, 'CancelDeployment'],
  ['GET', /^deployments\/[^/]+$/, 'GetDeployment'],
  ['GET', /^coreDevices$/, 'ListCoreDevices'],
  ['GET', /^coreDevices\/[^/]+\/effectiveDeployments$/, 'ListEffectiveDeployments'],
  ['GET', /^coreDevices\/[^/]+\/installedComponents$/, 'ListInstalledComponents'],
  ['GET', /^coreDevices\/[^/]+$/, 'GetCoreDevice'],
];

/** Bytes of a deployment document, without support for large ones. */
const MAX_BYTES = { thing: 7 * 1024, thinggroup: 31 * 1024 } as const;
const TARGET = /^arn:aws:iot:[^:]+:\d+:(thing|thinggroup)\/.+$/;

/**
 * The deployment part of Greengrass V2's control plane. A deployment replaces the whole set of its
 * target; one with `parentTargetArn` stands in for the parent's on the devices that are in both.
 */
export class DeploymentOperations {
  /** Control-plane calls a second; AWS takes 30. */
  callsPerSecond = Number.POSITIVE_INFINITY;
  readonly #fleet: EmulatedFleet;
  readonly #exists: (component: string, version: string) => boolean;
  readonly #tokens = new Map<string, { readonly id: string; readonly body: string }>();
  #calledAtMs: number[] = [];

  constructor(fleet: EmulatedFleet, exists: (component: string, version: string) => boolean) {
    this.#fleet = fleet;
    this.#exists = exists;
  }

  reset(): void {
    this.#tokens.clear();
    this.#calledAtMs = [];
    this.callsPerSecond = Number.POSITIVE_INFINITY;
  }

  handle({ operation, path, query, body }: EmulatedRequest): EmulatedAnswer | undefined {
    const name = operation.replace('greengrass:', '');
    if (!DEPLOYMENT_OPERATIONS.some(([, , one]) => one === name)) return undefined;
    if (this.#isThrottled()) return fault(429, 'ThrottlingException', 'Rate exceeded');
    const [, , , , id = ''] = path.split('/');
    switch (name) {
      case 'CreateDeployment':
        return this.#create(body.toString());
      case 'ListDeployments':
        return this.#list(query);
      case 'GetDeployment':
        return this.#with(id, (found) => json(200, described(found)));
      case 'CancelDeployment':
        return this.#with(id, (found) => {
          if (found.status !== 'ACTIVE')
            return conflict(id, `The deployment is ${found.status}`, 'deployment');
          this.#fleet.cancel(found);
          return json(200, { message: 'SUCCESS' });
        });
      case 'ListCoreDevices':
        return this.#coreDevices(query);
      case 'GetCoreDevice':
        return this.#coreDevice(id);
      case 'ListEffectiveDeployments':
        return this.#effective(id, query);
      default:
        return this.#installed(id, query);
    }
  }

  #isThrottled(): boolean {
    const now = Date.now();
    this.#calledAtMs = this.#calledAtMs.filter((at) => now - at < 1000);
    if (this.#calledAtMs.length >= this.callsPerSecond) return true;
    if (Number.isFinite(this.callsPerSecond)) this.#calledAtMs.push(now);
    return false;
  }

  #create(body: string): EmulatedAnswer {
    const request = JSON.parse(body) as Record<string, unknown>;
    const { targetArn, parentTargetArn, clientToken, deploymentName } = request as Partial<
      Record<string, string>
    >;
    const components = (request['components'] ?? {}) as EmulatedDeployment['components'];
    const kind = TARGET.exec(targetArn ?? '')?.[1] as keyof typeof MAX_BYTES | undefined;
    if (targetArn === undefined || kind === undefined) return invalid('targetArn is invalid');
    if (parentTargetArn !== undefined && kind !== 'thinggroup')
      return invalid('The target of a subdeployment must be a thing group');
    if (clientToken !== undefined && !/^[a-zA-Z0-9-]{1,64}$/.test(clientToken))
      return invalid('clientToken is invalid');
    if (deploymentName !== undefined && (deploymentName === '' || deploymentName.length > 256))
      return invalid('deploymentName is invalid');
    const known = clientToken === undefined ? undefined : this.#tokens.get(clientToken);
    if (known) {
      if (known.body !== body)
        return conflict(known.id, 'The client token was used for another request', 'deployment');
      return json(201, createdAnswer(this.#fleet.deployments.find(hasId(known.id))!));
    }
    if (body.length > MAX_BYTES[kind])
      return invalid(`The deployment document is larger than ${MAX_BYTES[kind]} bytes`);
    const isGroup = kind === 'thinggroup';
    const name = targetArn.split(`:${kind}/`)[1]!;
    if (isGroup ? !this.#fleet.groups.has(name) : !this.#fleet.devices.has(name))
      return absent(targetArn);
    for (const [component, { componentVersion, configurationUpdate }] of Object.entries(
      components,
    )) {
      if (!this.#exists(component, componentVersion))
        return absent(`Component ${component} version ${componentVersion}`);
      const { merge, reset = [] } = configurationUpdate ?? {};
      if (merge !== undefined && !isJsonObject(merge))
        return invalid(`merge of ${component} is no JSON object`);
      if (reset.some((pointer) => pointer.length > 256 || (pointer !== '' && pointer[0] !== '/')))
        return invalid(`reset of ${component} is invalid`);
    }
    const deployment: EmulatedDeployment = {
      deploymentId: randomUUID(),
      ...(deploymentName === undefined ? {} : { deploymentName }),
      targetArn,
      ...(parentTargetArn === undefined ? {} : { parentTargetArn }),
      components,
      revision: (this.#fleet.latestFor(targetArn)?.revision ?? 0) + 1,
      createdAtSeconds: Date.now() / 1000,
      request,
      status: 'ACTIVE',
      isLatest: true,
    };
    this.#fleet.put(deployment);
    if (clientToken !== undefined)
      this.#tokens.set(clientToken, { id: deployment.deploymentId, body });
    return json(201, createdAnswer(deployment));
  }

  #list(query: URLSearchParams): EmulatedAnswer {
    const target = query.get('targetArn');
    const parent = query.get('parentTargetArn');
    const isAll = query.get('historyFilter') === 'ALL';
    const found = this.#fleet.deployments.filter(
      (one) =>
        (target === null || one.targetArn === target) &&
        (parent === null || one.parentTargetArn === parent) &&
        (isAll || one.isLatest),
    );
    return page('deployments', found.toReversed().map(summary), query);
  }

  #with(id: string, answer: (found: EmulatedDeployment) => EmulatedAnswer): EmulatedAnswer {
    const found = this.#fleet.deployments.find(hasId(id));
    return found ? answer(found) : absent(id);
  }

  #coreDevices(query: URLSearchParams): EmulatedAnswer {
    const group = query.get('thingGroupArn');
    const names = group === null ? [...this.#fleet.devices.keys()] : this.#fleet.membersOf(group);
    const found = names.flatMap((name) => this.#fleet.devices.get(name) ?? []);
    return page('coreDevices', found.map(coreDevice), query);
  }

  #coreDevice(name: string): EmulatedAnswer {
    const found = this.#fleet.devices.get(name);
    return found ? json(200, { ...coreDevice(found), coreVersion: '2.18.0' }) : absent(name);
  }

  #effective(name: string, query: URLSearchParams): EmulatedAnswer {
    const device = this.#fleet.devices.get(name);
    if (!device) return absent(name);
    this.#fleet.advanceDevice(name);
    const found = this.#fleet.deployments.flatMap((deployment) => {
      const execution = device.executions.get(deployment.deploymentId);
      if (!execution) return [];
      return {
        deploymentId: deployment.deploymentId,
        deploymentName: deployment.deploymentName ?? '',
        targetArn: deployment.targetArn,
        coreDeviceExecutionStatus: execution.status,
        reason: execution.reason,
        creationTimestamp: execution.queuedAtSeconds,
        modifiedTimestamp: execution.updatedAtSeconds,
        statusDetails:
          execution.status === 'FAILED'
            ? { errorStack: ['DEPLOYMENT_FAILURE'], errorTypes: ['COMPONENT_ERROR'] }
            : {},
      };
    });
    return page('effectiveDeployments', found.toReversed(), query);
  }

  #installed(name: string, query: URLSearchParams): EmulatedAnswer {
    const device = this.#fleet.devices.get(name);
    if (!device) return absent(name);
    const all = [...device.installed].map(([componentName, { version, isDependency }]) => ({
      componentName,
      componentVersion: version,
      lifecycleState: 'RUNNING',
      isRoot: isDependency !== true,
    }));
    const found = all.filter(({ isRoot }) => isRoot || query.get('topologyFilter') === 'ALL');
    return page('installedComponents', found, query);
  }
}

const hasId = (id: string) => (one: EmulatedDeployment) => one.deploymentId === id;

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const jobOf = ({ deploymentId, targetArn }: EmulatedDeployment) =>
  targetArn.includes(':thinggroup/') ? { iotJobId: deploymentId } : {};

const createdAnswer = (one: EmulatedDeployment) => ({
  deploymentId: one.deploymentId,
  ...jobOf(one),
});

const summary = (one: EmulatedDeployment) => ({
  deploymentId: one.deploymentId,
  deploymentName: one.deploymentName,
  targetArn: one.targetArn,
  parentTargetArn: one.parentTargetArn,
  revisionId: String(one.revision),
  creationTimestamp: one.createdAtSeconds,
  deploymentStatus: one.status,
  isLatestForTarget: one.isLatest,
});

const described = (one: EmulatedDeployment) => ({
  ...summary(one),
  ...jobOf(one),
  components: one.components,
  deploymentPolicies: one.request['deploymentPolicies'],
  iotJobConfiguration: one.request['iotJobConfiguration'],
  tags: one.request['tags'],
});

const coreDevice = (device: {
  readonly name: string;
  readonly status: string;
  readonly lastStatusAtMs: number;
  readonly architecture: string;
  readonly runtime: string;
}) => ({
  coreDeviceThingName: device.name,
  status: device.status,
  lastStatusUpdateTimestamp: device.lastStatusAtMs / 1000,
  platform: 'linux',
  architecture: device.architecture,
  runtime: device.runtime,
});
