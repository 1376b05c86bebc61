import { randomUUID } from 'node:crypto';
import { withFleet } from '../../cloud-publisher/commands/with-fleet.ts';
import { advanceRollout } from '../../cloud-publisher/deployment/advance-rollout.ts';
import { carryOn } from '../../cloud-publisher/deployment/carry-on.ts';
import { deploymentFileSchema } from '../../cloud-publisher/deployment/deployment-file.ts';
import type { FleetDoors } from '../../cloud-publisher/deployment/fleet-doors.ts';
import { planDeployment } from '../../cloud-publisher/deployment/plan-deployment.ts';
import type { Rollout } from '../../cloud-publisher/deployment/rollout.ts';
import type { RolloutRecords } from '../../cloud-publisher/registry/rollout-records.ts';
import { LINE, MODEL } from './deployment-scene.ts';

/** The model to all of the line, after a part of it; within a moment. */
export const WAVES = {
  name: 'caps-2',
  target: LINE,
  components: { [MODEL]: { version: '2.0.0' } },
  waves: [{ percent: 20 }],
  soakMinutes: 0.0005,
  deviceTimeoutMinutes: 1,
};

/** What the commands do with a roll-out, one turn after the other. */
export class RolloutTurns {
  readonly #records: RolloutRecords;

  constructor(records: RolloutRecords) {
    this.#records = records;
  }

  async plan(doors: FleetDoors, content: object = WAVES): Promise<string> {
    const file = deploymentFileSchema.parse(content);
    const id = randomUUID().slice(0, 8);
    const { steps } = await planDeployment(file, id, doors);
    const { accountId: account, region } = doors;
    await this.#records.plan({ id, file, account, region, steps });
    return id;
  }

  start(id: string): Promise<boolean> {
    return this.#records.enter(id, ['planned'], 'running', '');
  }

  async begin(doors: FleetDoors, content: object = WAVES): Promise<string> {
    const id = await this.plan(doors, content);
    await this.start(id);
    return id;
  }

  carry(
    id: string,
    doors: FleetDoors,
    {
      signal = new AbortController().signal,
      onProgress = () => undefined,
    }: { signal?: AbortSignal; onProgress?: (text: string) => void } = {},
  ): Promise<Rollout> {
    return carryOn(id, doors, this.#records, { pollMs: 10, signal, onProgress });
  }

  /** One turn. */
  async turn(id: string, doors: FleetDoors): Promise<Rollout> {
    const rollout = await this.#records.rollout(id);
    await advanceRollout(rollout, doors, this.#records, () => undefined);
    return this.#records.rollout(id);
  }

  /** Goes on until it is as wanted. */
  async untilSo(
    id: string,
    doors: FleetDoors,
    isSo: (rollout: Rollout) => boolean,
  ): Promise<Rollout> {
    let rollout = await this.#records.rollout(id);
    for (let turn = 0; turn < 100 && !isSo(rollout); turn += 1)
      rollout = await this.turn(id, doors);
    if (isSo(rollout)) return rollout;
    throw new Error(`it is ${JSON.stringify(rollout.steps.map(({ state }) => state))}`);
  }

  /** Goes on until a step is in a state. */
  until(id: string, doors: FleetDoors, position: number, state: string): Promise<Rollout> {
    return this.untilSo(id, doors, ({ steps }) => steps[position]?.state === state);
  }
}

/** The emulated account has no quota unless it is given one. */
const NO_QUOTA = 10_000;

export const withEmulatedFleet = <T>(action: (doors: FleetDoors) => Promise<T>): Promise<T> =>
  withFleet({}, action, NO_QUOTA);
