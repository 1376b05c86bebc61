import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StationFile } from '../../../component/configuration/station-file.ts';
import { readLastGood } from '../../../component/greengrass/deployment-configuration.ts';

const points = process.env['VEDETTE_DEEP'] === '1' ? 200 : 10;
const PROGRAM = path.join(import.meta.dirname, '../../support/configure-until-killed.ts');
const COMMENT = '# by hand';

/** Kills the program within its first rounds. Resolves with what it had promised. */
async function promisedUntilKilled(folder: string, first: number): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  setTimeout(() => child.kill('SIGKILL'), Math.random() * 30);
  await closed;
  return text.split('\n').filter((line) => line !== '');
}

const newest = (lines: readonly string[], what: string, before: number): number =>
  Number(lines.findLast((line) => line.startsWith(`${what} `))?.split(' ')[1] ?? before);

test(
  `killed at ${points} points of a change, the configuration is the old or the new, and what was promised holds`,
  { timeout: points * 3000 },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-configure-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const station = new StationFile(folder);
    await writeFile(station.file, `${COMMENT}\nlog: { level: warn }\n`);
    let [ofStation, ofDeployment] = [0, 0];
    for (let point = 0; point < points; point += 1) {
      const first = Math.max(ofStation, ofDeployment) + 1;
      const promised = await promisedUntilKilled(folder, first);
      ofStation = newest(promised, 'station', ofStation);
      ofDeployment = newest(promised, 'deployment', ofDeployment);
      const last = Math.max(ofStation, ofDeployment, first - 1) + 1;
      const settings = (await station.settings()) as {
        log: object;
        retention: { resultsMaxCount: number };
      };
      const { resultsMaxCount } = settings.retention;
      expect(resultsMaxCount).toBeGreaterThanOrEqual(ofStation);
      expect(resultsMaxCount).toBeLessThanOrEqual(last);
      expect(settings.log).toEqual({ level: 'warn' });
      expect(await readFile(station.file, 'utf8')).toContain(COMMENT);
      const lastGood = (await station.lastGood()) as typeof settings;
      expect(lastGood.retention.resultsMaxCount).toBeGreaterThanOrEqual(ofStation);
      expect(lastGood.retention.resultsMaxCount).toBeLessThanOrEqual(resultsMaxCount);
      const values = (await readLastGood(folder)) as { retention: { capturesMaxCount: number } };
      const kept = values?.retention.capturesMaxCount ?? 0;
      expect(kept).toBeGreaterThanOrEqual(ofDeployment);
      expect(kept).toBeLessThanOrEqual(last);
      [ofStation, ofDeployment] = [resultsMaxCount, kept];
    }
  },
);
