import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfiguration } from '../../../component/configuration/load-configuration.ts';
import { DeploymentConfiguration } from '../../../component/greengrass/deployment-configuration.ts';
import { DeploymentWatch } from '../../../component/greengrass/deployment-watch.ts';
import { ipcAddress } from '../../../component/greengrass/ipc-address.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { EmulatedNucleus } from '../../support/nucleus/emulated-nucleus.ts';
import { LITE } from '../../support/nucleus/personality.ts';
import { silent } from '../control/open-channel.ts';

test('a reset that deletes a key of nucleus lite without an event is noticed by the heartbeat', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'vedette-watch-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const nucleus = await EmulatedNucleus.start(LITE, {
    log: { level: 'debug' },
    retention: { resultsMaxCount: '7' },
  });
  onTestFinished(() => nucleus.close());
  const connection = await IpcConnection.open(ipcAddress(nucleus.environment));
  onTestFinished(() => connection.close());
  const deployment = new DeploymentConfiguration({
    readValues: () => connection.configuration(),
    load: (layer) => loadConfiguration({ deployment: layer }),
    loadAtStart: async (layer) => ({ loaded: await loadConfiguration({ deployment: layer }) }),
    workFolder: folder,
  });
  const levels: { by: string; level: string; count: number }[] = [];
  const watch = new DeploymentWatch({
    ...{ deployment, logger: silent, heartbeatMs: 20 },
    refresh: async (by) => {
      const { config } = (await deployment.read()).loaded;
      levels.push({ by, level: config.log.level, count: config.retention.resultsMaxCount });
      return undefined;
    },
  });
  onTestFinished(() => watch.close());
  await watch.connected(connection);
  await expect.poll(() => levels.at(-1)?.level).toBe('debug');
  nucleus.resetConfiguration('log');
  await expect.poll(() => levels.at(-1)?.level).toBe('info');
  expect(levels.at(-1)).toEqual({ by: 'heartbeat', level: 'info', count: 7 });
  // Nothing came but the heartbeat.
  expect(new Set(levels.map(({ by }) => by))).toEqual(new Set(['heartbeat']));
});
