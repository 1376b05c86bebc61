export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 };
export const ONE_PASSED: Tally = { ...NOTHING, passed: 1 };
export const ONE_FAILED: Tally = { ...NOTHING, failed: 1 };

export const add = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

/** The line that ends every run; programs read it. */
export const summaryLine = ({ passed, failed }: Tally): string =>
  `${passed} passed, ${failed} failed`;

/**
 * The tally that a test program printed as its last line `N passed, N failed`. One that printed none, or whose
 * exit code says otherwise, counts as one more failure.
 */
export function readTally(output: string, exitCode: number): Tally {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  const match = /^(\d+) passed, (\d+) failed$/.exec(last.trim());
  if (!match) return exitCode === 0 ? ONE_PASSED : ONE_FAILED;
  const tally: Tally = { passed: Number(match[1]), failed: Number(match[2]), skipped: 0 };
  return exitCode !== 0 && tally.failed === 0 ? add(tally, ONE_FAILED) : tally;
}

/** The part of vitest's JSON report that is counted. */
interface VitestReport {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * The tally of a vitest run. A file that failed without a failing test (it could not be loaded, a
 * hook threw) and an error outside any test count as one failure each.
 */
export function tallyVitest(report: VitestReport, exitCode: number): Tally {
  let tally = NOTHING;
  for (const file of report.testResults) {
    const statuses = file.assertionResults.map((test) => test.status);
    const count = (...wanted: string[]): number =>
      statuses.filter((status) => wanted.includes(status)).length;
    tally = add(tally, {
      passed: count('passed'),
      failed: count('failed'),
      skipped: count('pending', 'skipped', 'todo', 'disabled'),
    });
    if (file.status === 'failed' && count('failed') === 0) tally = add(tally, ONE_FAILED);
  }
  const hasFailed = exitCode !== 0 || !report.success;
  return hasFailed && tally.failed === 0 ? add(tally, ONE_FAILED) : tally;
}
