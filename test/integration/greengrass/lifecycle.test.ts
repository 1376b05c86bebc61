import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Maintenance } from '../../../component/control/maintenance.ts';
import { maintenanceSchema } from '../../../component/contract/control-config.ts';
import { ExitAllowance } from '../../../component/greengrass/exit-allowance.ts';
import { ExitWhenIdle } from '../../../component/greengrass/exit-when-idle.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { SubscriptionWatch } from '../../../component/greengrass/subscription-watch.ts';
import { gateUpdates } from '../../../component/greengrass/update-gate.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { MqttBroker } from '../../support/nucleus/mqtt-broker.ts';
import { CLASSIC, LITE } from '../../support/nucleus/personality.ts';
import { openChannel, silent, THING } from '../control/open-channel.ts';

let broker: MqttBroker;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => (broker = await MqttBroker.start()));
afterAll(() => broker.close());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe('subscriptions that died without a word', () => {
  test('are made anew when a message to the device itself does not come back', async () => {
    const { nucleus, channel, close } = await openChannel(LITE, broker);
    closing.push(close);
    const heard: string[] = [];
    await channel.subscribe('vedette/station-7/command/+', ({ payload }) =>
      heard.push(Buffer.from(payload).toString()),
    );
    const watch = new SubscriptionWatch({
      ...{ thing: THING, channel, logger: silent },
      ...{ intervalMs: 30, waitMs: 500 },
    });
    closing.push(() => watch.close());
    await watch.open();
    nucleus.killSubscriptions();
    const cloud = await broker.client();
    await expect
      .poll(async () => {
        await cloud.publishAsync('vedette/station-7/command/snapshot', 'one', { qos: 1 });
        return heard.length;
      })
      .toBeGreaterThan(0);
    // Two for each: the echo and the command.
    expect(nucleus.asked.filter((one) => one === 'SubscribeToIoTCore').length % 2).toBe(0);
  });

  test('are left alone while messages come back', async () => {
    const { nucleus, channel, close } = await openChannel(LITE, broker);
    closing.push(close);
    const watch = new SubscriptionWatch({
      ...{ thing: THING, channel, logger: silent },
      ...{ intervalMs: 10, waitMs: 400 },
    });
    closing.push(() => watch.close());
    await watch.open();
    await expect.poll(() => nucleus.published.length).toBe(3);
    expect(nucleus.asked.filter((one) => one === 'SubscribeToIoTCore').length).toBe(1);
  });
});

describe('a process whose token is refused', () => {
  let file: string;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'vedette-exits-'));
    file = path.join(folder, 'exits.json');
    closing.push(() => rm(folder, { recursive: true }));
  });

  function start(change: { inWindow?: boolean; nowMs?: number } = {}) {
    const state = { exits: 0, isBusy: false, looked: 0, inWindow: change.inWindow ?? false };
    const listeners = new Set<() => void>();
    const exit = new ExitWhenIdle({
      allowance: new ExitAllowance(file),
      logger: silent,
      watchResults: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      isInsideWindow: () => state.inWindow,
      isBusy: () => {
        state.looked += 1;
        return state.isBusy;
      },
      exit: async () => void (state.exits += 1),
      idleMs: 200,
      pollMs: 5,
      now: () => change.nowMs ?? 1_000_000_000,
    });
    closing.push(async () => exit.close());
    const results = setInterval(() => listeners.forEach((tell) => tell()), 5);
    closing.push(async () => clearInterval(results));
    return { state, exit, stopResults: () => clearInterval(results) };
  }

  test('goes on while results come, and ends when none has come for a while', async () => {
    const { state, exit, stopResults } = start();
    exit.begin();
    await expect.poll(() => state.looked).toBeGreaterThan(60);
    expect(state.exits).toBe(0);
    stopResults();
    await expect.poll(() => state.exits).toBe(1);
  });

  test('ends within the maintenance window though results come, but never during an inspection', async () => {
    const { state, exit } = start({ inWindow: true });
    state.isBusy = true;
    exit.begin();
    await expect.poll(() => state.looked).toBeGreaterThan(20);
    expect(state.exits).toBe(0);
    state.isBusy = false;
    await expect.poll(() => state.exits).toBe(1);
  });

  test('ends at most twice an hour, over the life of many processes', async () => {
    const nowMs = 1_000_000_000;
    for (let index = 0; index < 2; index++) {
      const { state, exit } = start({ inWindow: true, nowMs });
      exit.begin();
      await expect.poll(() => state.exits).toBe(1);
    }
    const third = start({ inWindow: true, nowMs: nowMs + 3_599_000 });
    third.exit.begin();
    await expect.poll(() => third.state.looked).toBeGreaterThan(20);
    expect(third.state.exits).toBe(0);
    const later = start({ inWindow: true, nowMs: nowMs + 3_601_000 });
    later.exit.begin();
    await expect.poll(() => later.state.exits).toBe(1);
  });

  test('takes a damaged count for none', async () => {
    await writeFile(file, '[1,');
    const { state, exit } = start({ inWindow: true });
    exit.begin();
    await expect.poll(() => state.exits).toBe(1);
  });
});

describe('an update of components', () => {
  async function start(personality: typeof CLASSIC) {
    const nucleus = await EmulatedNucleus.start(personality, {}, broker);
    closing.push(() => nucleus.close());
    const { socketFile, token: authToken } = nucleus;
    const connection = await IpcConnection.open({ socketFile, authToken });
    closing.push(() => connection.close());
    return { nucleus, connection };
  }

  test('waits on classic while the line must not be disturbed, and passes then', async () => {
    const { nucleus, connection } = await start(CLASSIC);
    const state = { busy: ['a part is under inspection: A-113'] };
    const ask = (deployment: string) =>
      state.busy.length > 0
        ? ({ mayPass: false, reasons: state.busy, recheckAfterMs: 20 } as const)
        : ({ mayPass: true, isForced: deployment === '' } as const);
    await gateUpdates(connection, ask, silent);
    nucleus.proposeUpdate('deployment-1');
    await expect.poll(() => nucleus.deferrals.length).toBeGreaterThan(2);
    expect(nucleus.deferrals[0]).toEqual({
      deploymentId: 'deployment-1',
      recheckAfterMs: 20,
      message: 'a part is under inspection: A-113',
    });
    state.busy = [];
    await expect.poll(() => nucleus.deferrals.at(-1)?.recheckAfterMs).toBe(0);
  });

  test('passes when it has waited as long as it may', async () => {
    const { nucleus, connection } = await start(CLASSIC);
    let elapsedMs = 0;
    const config = maintenanceSchema.parse({
      windows: { night: { from: '01:00', to: '02:00' } },
      maxDeferralHours: 2,
    });
    const maintenance = new Maintenance({
      config: () => config,
      busy: () => [],
      now: () => new Date(2026, 10, 23, 12),
      elapsedMs: () => elapsedMs,
    });
    const asked = 'deployment deployment-1';
    await gateUpdates(connection, (deployment) => maintenance.ask(deployment, 'update'), silent);
    nucleus.proposeUpdate('deployment-1');
    await expect.poll(() => nucleus.deferrals.at(-1)?.recheckAfterMs).toBe(900_000);
    // As the nucleus does, which asks again each time.
    for (; elapsedMs < 2 * 3_600_000; elapsedMs += 900_000) maintenance.ask(asked, 'update');
    nucleus.proposeUpdate('deployment-1');
    await expect.poll(() => nucleus.deferrals.at(-1)?.recheckAfterMs).toBe(0);
  });

  test('is not asked for by lite, which is no failure', async () => {
    const { connection } = await start(LITE);
    await gateUpdates(connection, () => ({ mayPass: true, isForced: false }), silent);
    expect(connection.lost.aborted).toBe(false);
  });
});
