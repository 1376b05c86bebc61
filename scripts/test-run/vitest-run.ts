import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { killLeftovers, RUN_MARKER, waitForLeftovers } from './leftovers.ts';
import { runCommand } from './run-command.ts';
import { add, ONE_FAILED, tallyVitest, type Tally } from './tally.ts';

export interface VitestOptions {
  readonly isDeep: boolean;
  /** Parts of file names; only matching test files run. */
  readonly filters: readonly string[];
  readonly timeoutMs: number;
  /** The artifact of this machine that component tests run. */
  readonly artifactZip: string | undefined;
}

/** All vitest tests, shown live. A process that outlives them is one failure. */
export async function runVitest(root: string, options: VitestOptions): Promise<Tally> {
  const runId = `${process.pid}-${Date.now()}`;
  const reportFile = join(root, `build/test/vitest-${runId}.json`);
  const { exitCode, hasTimedOut } = await runCommand(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--silent=passed-only',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
      ...options.filters,
    ],
    {
      cwd: root,
      timeoutMs: options.timeoutMs,
      isLive: true,
      env: {
        [RUN_MARKER]: runId,
        ...(options.isDeep ? { VEDETTE_DEEP: '1' } : {}),
        ...(options.artifactZip === undefined ? {} : { VEDETTE_TEST_ZIP: options.artifactZip }),
      },
    },
  );
  const leftovers = await waitForLeftovers(runId);
  killLeftovers(leftovers);
  if (hasTimedOut) {
    console.log(`The tests did not end within ${options.timeoutMs / 60_000} minutes; stopped.`);
  }
  const tally = existsSync(reportFile)
    ? tallyVitest(JSON.parse(readFileSync(reportFile, 'utf8')), exitCode)
    : ONE_FAILED;
  rmSync(reportFile, { force: true });
  if (leftovers.length === 0 || hasTimedOut) return tally;
  console.log('Processes that tests left behind (killed now):');
  for (const { pid, commandLine } of leftovers) console.log(`  ${pid} ${commandLine}`);
  return add(tally, ONE_FAILED);
}
