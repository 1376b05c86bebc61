/**
 * Changes the station file and what is remembered of the deployment again and again, and says so on
 * standard output when a change is promised, until it is killed.
 */
import { StationFile } from '../../component/configuration/station-file.ts';
import { DeploymentConfiguration } from '../../component/greengrass/deployment-configuration.ts';

const [folder, first] = process.argv.slice(2) as [string, string];
const station = new StationFile(folder);
const unused = () => Promise.reject(new Error('not used here'));
const deployment = new DeploymentConfiguration({
  workFolder: folder,
  readValues: unused,
  load: unused,
  loadAtStart: unused,
});
for (let round = Number(first); ; round += 1) {
  await station.write(await station.patched({ retention: { resultsMaxCount: round } }));
  await station.keep(await station.settings());
  process.stdout.write(`station ${round}\n`);
  await deployment.keep({ retention: { capturesMaxCount: round } });
  process.stdout.write(`deployment ${round}\n`);
}
