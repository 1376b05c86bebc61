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
 * The sum of the lines that end with `N passed` or `N passed, N failed` in what test programs
 * printed. A program that printed none counts by its exit code; a bad exit code is a failure in any case.
 */
export function readTally(output: string, exitCode: number): Tally {
  const lines = [...output.matchAll(/(\d+) passed(?:, (\d+) failed)?\s*$/gm)];
  const tally = lines.reduce(
    (sum, [, passed, failed]) =>
      add(sum, { passed: Number(passed), failed: Number(failed ?? 0), skipped: 0 }),
    NOTHING,
  );
  if (lines.length === 0) return exitCode === 0 ? ONE_PASSED : ONE_FAILED;
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
