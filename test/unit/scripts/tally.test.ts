import { describe, expect, it } from 'vitest';
import { readTally, summaryLine, tallyVitest } from '../../../scripts/test-run/tally.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

describe('tallyVitest', () => {
  it('counts tests', () => {
    const report = { success: false, testResults: [file('failed', 'passed', 'failed', 'pending')] };
    expect(tallyVitest(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 1 });
  });

  it('counts a file that could not be loaded as a failure', () => {
    const report = { success: false, testResults: [file('failed'), file('passed', 'passed')] };
    expect(tallyVitest(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('counts an error outside any test as a failure', () => {
    const report = { success: true, testResults: [file('passed', 'passed')] };
    expect(tallyVitest(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });
});

describe('readTally', () => {
  it('adds up what several programs printed', () => {
    const output = 'core tests (address+undefined): 400 passed\ncore tests (thread): 12 passed\n';
    expect(readTally(output, 0).passed).toBe(412);
  });

  it('reads failures too', () => {
    expect(readTally('10 passed, 2 failed\n', 1).failed).toBe(2);
    expect(readTally('ok resize\n412 passed, 0 failed\n', 0)).toEqual({
      passed: 412,
      failed: 0,
      skipped: 0,
    });
  });

  it('does not believe a good count with a bad exit code', () => {
    expect(readTally('412 passed, 0 failed', 134).failed).toBe(1);
  });

  it('counts a program that says nothing by its exit code', () => {
    expect(readTally('', 0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect(readTally('ERROR: AddressSanitizer', 1).failed).toBe(1);
  });
});

describe('summaryLine', () => {
  it('is what programs read', () => {
    expect(summaryLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed');
  });
});
