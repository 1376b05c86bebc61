import type { EmulatedKeys } from './credentials.ts';
import type { EmulatedFleet } from './emulated-fleet.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';
import { fault, json, refusal } from './rest-json.ts';

const SHADOW = /^\/things\/([^/]+)\/shadow$/;

/** Named shadows, as far as somebody reads them: each holds what its device reports when it is read. */
export class EmulatedIotData extends LoopbackServer {
  readonly #keys: EmulatedKeys;
  readonly #fleet: EmulatedFleet;

  constructor(keys: EmulatedKeys, fleet: EmulatedFleet) {
    super();
    this.#keys = keys;
    this.#fleet = fleet;
  }

  protected operationOf({ method, path }: EmulatedRequest): string {
    return `iot:${method === 'GET' && SHADOW.test(path) ? 'GetThingShadow' : 'Unknown'}`;
  }

  protected handle(request: EmulatedRequest): EmulatedAnswer {
    const refused = refusal(request, this.#keys, this.#fleet.region);
    if (refused) return refused;
    const thing = SHADOW.exec(request.path)?.[1] ?? '';
    const name = request.query.get('name');
    const device = this.#fleet.devices.get(thing);
    const reported = name === 'vedette' ? device?.report(device, Date.now()) : undefined;
    if (!reported)
      return fault(
        404,
        'ResourceNotFoundException',
        `No shadow exists with name: '${thing}~${name}'`,
      );
    return json(200, { state: { reported }, version: 1, timestamp: Math.floor(Date.now() / 1000) });
  }
}
