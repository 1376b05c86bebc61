/**
 * In the place of a runtime's process: serves the spool with a real model store, changes the station file and
 * what is remembered of the deployment, and says on standard output how long the record of writes was when
 * each of them was promised. Ends after so many rounds; each brings a version for every component.
 */
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CommandMemory } from '../../component/control/command-memory.ts';
import { ShadowNames } from '../../component/control/shadow-names.ts';
import { StationFile } from '../../component/configuration/station-file.ts';
import type { SpoolRequest } from '../../component/contract/model-spool.ts';
import { DeploymentConfiguration } from '../../component/greengrass/deployment-configuration.ts';
import { ModelSpool } from '../../component/greengrass/model-spool.ts';
import { ModelStore } from '../../component/inference/model-store/model-store.ts';
import { createLogger } from '../../component/logging/create-logger.ts';
import { installedFacts } from './installed-facts.ts';

const [workFolder, source, rounds, log] = process.argv.slice(2) as [string, string, string, string];
const dataFolder = path.join(workFolder, 'data');
const COMPONENTS = ['parts-a', 'parts-b', 'parts-c'];
const promised = (what: string) => process.stdout.write(`${what} ${statSync(log).size}\n`);

const store = new ModelStore(dataFolder);
const isInstalled = (model: SpoolRequest['model']): Promise<boolean> =>
  store.find(model).then(
    () => true,
    () => false,
  );
const spool = new ModelSpool({
  workFolder,
  logger: createLogger({ level: 'silent', stream: process.stderr }),
  install: async ({ package: archive, model }) =>
    store.commit(await store.stage(archive), installedFacts(model)),
  takeOver: async () => {},
  keptVersions: () => 2,
  isInstalled,
  remove: async (model) => {
    await store.remove(model);
    return true;
  },
});
const station = new StationFile(dataFolder);
const unused = () => Promise.reject(new Error('not used here'));
const deployment = new DeploymentConfiguration({
  workFolder,
  readValues: unused,
  load: unused,
  loadAtStart: unused,
});

const commands = await CommandMemory.open(dataFolder);
const names = await ShadowNames.open(dataFolder);

async function ask(name: string, version: string): Promise<void> {
  const id = `${name}.${version}`;
  const [request, answer] = ['requests', 'answers'].map((folder) =>
    path.join(workFolder, 'spool', folder, `${id}.json`),
  ) as [string, string];
  const model = { name, version };
  const asked = { id, action: 'install', component: name, componentVersion: version };
  // As the recipe's sh does it: nothing is synced.
  writeFileSync(
    `${request}.part`,
    JSON.stringify({ schemaVersion: 1, ...asked, model, package: source }),
  );
  renameSync(`${request}.part`, request);
  while (!existsSync(answer)) await pause(1);
  promised(`installed ${name} ${version}`);
}

await spool.open();
for (let round = 1; round <= Number(rounds); round += 1) {
  const asking = COMPONENTS.map((name) => ask(name, `1.0.${round}`));
  await station.write(await station.patched({ retention: { resultsMaxCount: round } }));
  promised(`station ${round}`);
  await station.keep(await station.settings());
  promised(`lastStation ${round}`);
  await deployment.keep({ retention: { capturesMaxCount: round } });
  promised(`deployment ${round}`);
  await commands.keep({
    ...{ schemaVersion: 1, thing: 'station-7', command: 'snapshot', state: 'done' },
    ...{ id: `command-${round}`, at: new Date().toISOString() },
  });
  promised(`command ${round}`);
  await names.keep({ cameras: { [`camera-${round}`]: {} } });
  promised(`shadowName ${round}`);
  await Promise.all(asking);
}
await spool.close();
