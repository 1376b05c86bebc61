import type { EmulatedKeys } from './credentials.ts';
import type { EmulatedFleet } from './emulated-fleet.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';
import { absent, fault, json, page, refusal } from './rest-json.ts';

const OPERATIONS: readonly [method: string, path: RegExp, operation: string][] = [
  ['PUT', /^\/thing-groups\/addThingToThingGroup$/, 'AddThingToThingGroup'],
  ['POST', /^\/thing-groups\/[^/]+$/, 'CreateThingGroup'],
  ['DELETE', /^\/thing-groups\/[^/]+$/, 'DeleteThingGroup'],
  ['GET', /^\/thing-groups\/[^/]+\/things$/, 'ListThingsInThingGroup'],
  ['GET', /^\/jobs\/[^/]+\/things$/, 'ListJobExecutionsForJob'],
];

/** Things, thing groups and the executions of jobs, in AWS IoT's restJson1. */
export class EmulatedIot extends LoopbackServer {
  readonly #keys: EmulatedKeys;
  readonly #fleet: EmulatedFleet;

  constructor(keys: EmulatedKeys, fleet: EmulatedFleet) {
    super();
    this.#keys = keys;
    this.#fleet = fleet;
  }

  protected operationOf({ method, path }: EmulatedRequest): string {
    const found = OPERATIONS.find(([verb, pattern]) => verb === method && pattern.test(path));
    return `iot:${found?.[2] ?? 'Unknown'}`;
  }

  protected handle(request: EmulatedRequest): EmulatedAnswer {
    const refused = refusal(request, this.#keys, this.#fleet.region);
    if (refused) return refused;
    const [, , name = ''] = request.path.split('/');
    switch (request.operation) {
      case 'iot:CreateThingGroup':
        return this.#createGroup(name);
      case 'iot:DeleteThingGroup':
        this.#fleet.groups.delete(name);
        return json(200, {});
      case 'iot:AddThingToThingGroup':
        return this.#addThing(request.body.toString());
      case 'iot:ListThingsInThingGroup': {
        const members = this.#fleet.groups.get(name);
        return members ? page('things', [...members], request.query, 250) : absent(name);
      }
      case 'iot:ListJobExecutionsForJob':
        return this.#executions(name, request.query);
      default:
        return fault(404, 'UnknownOperationException', request.path);
    }
  }

  /** As AWS IoT does it, the same request again is no error. */
  #createGroup(name: string): EmulatedAnswer {
    if (!/^[a-zA-Z0-9:_-]{1,128}$/.test(name))
      return fault(400, 'InvalidRequestException', 'thingGroupName is invalid');
    if (!this.#fleet.groups.has(name)) this.#fleet.groups.set(name, new Set());
    return json(200, {
      thingGroupName: name,
      thingGroupArn: this.#fleet.arnOf(`thinggroup/${name}`),
      thingGroupId: name,
    });
  }

  #addThing(body: string): EmulatedAnswer {
    const { thingGroupName = '', thingName = '' } = JSON.parse(body) as Record<string, string>;
    const members = this.#fleet.groups.get(thingGroupName);
    if (!members) return absent(thingGroupName);
    if (!this.#fleet.devices.has(thingName)) return absent(thingName);
    members.add(thingName);
    return json(200, {});
  }

  #executions(jobId: string, query: URLSearchParams): EmulatedAnswer {
    const deployment = this.#fleet.deployments.find((one) => one.deploymentId === jobId);
    if (!deployment) return absent(jobId);
    if (query.get('nextToken') === null) this.#fleet.advance(deployment);
    const wanted = query.get('status');
    const found = [...this.#fleet.devices.values()].flatMap((device) => {
      const execution = device.executions.get(jobId);
      if (!execution || (wanted !== null && execution.status !== wanted)) return [];
      return {
        thingArn: this.#fleet.arnOf(`thing/${device.name}`),
        jobExecutionSummary: {
          status: execution.status,
          queuedAt: execution.queuedAtSeconds,
          startedAt: execution.startedAtSeconds,
          lastUpdatedAt: execution.updatedAtSeconds,
          executionNumber: 1,
        },
      };
    });
    return page('executionSummaries', found, query, 250);
  }
}
