import { GetThingShadowCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { SHADOW_NAME } from '../../component/contract/device-health.ts';
import type { CredentialSource } from '../aws/credential-source.ts';
import { callAws, clientSettings, unlessAbsent } from '../aws/call-aws.ts';
import { inParallel } from '../../component/object-store/in-parallel.ts';
import { readHealth } from './device-health.ts';
import type { DeviceHealth } from './device-health.ts';

/** The data plane takes hundreds of calls a second: so many at a time keep it busy and no more. */
const CALLS_AT_ONCE = 48;

/** @param region AWS_REGION or the profile's when absent */
export const openIotData = (
  region: string | undefined,
  credentials?: CredentialSource,
): IoTDataPlaneClient => new IoTDataPlaneClient(clientSettings(region, credentials));

/** What devices report of themselves in their named shadow `vedette`. */
export class DeviceShadows {
  readonly #client: IoTDataPlaneClient;
  readonly #accountArn: string;

  /** @param accountArn `arn:<partition>:iot:<region>:<account>` */
  constructor(client: IoTDataPlaneClient, accountArn: string) {
    this.#client = client;
    this.#accountArn = accountArn;
  }

  /** Nothing for a device that has no such shadow, or one that says nothing readable. */
  async health(thing: string): Promise<DeviceHealth | undefined> {
    const resource = `${this.#accountArn}:thing/${thing}/${SHADOW_NAME}`;
    const found = await callAws('iot:GetThingShadow', resource, () =>
      this.#client
        .send(new GetThingShadowCommand({ thingName: thing, shadowName: SHADOW_NAME }))
        .catch(unlessAbsent),
    );
    return found?.payload && readHealth(Buffer.from(found.payload).toString('utf8'));
  }

  /** Of many devices, by thing; those that report nothing are absent. */
  async healthOf(things: readonly string[]): Promise<Map<string, DeviceHealth>> {
    const found = new Map<string, DeviceHealth>();
    await inParallel(things.length, CALLS_AT_ONCE, async (index) => {
      const thing = things[index]!;
      const health = await this.health(thing);
      if (health) found.set(thing, health);
    });
    return found;
  }

  close(): void {
    this.#client.destroy();
  }
}
