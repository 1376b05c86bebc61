import { describe, expect, it } from 'vitest';
import { runInLanes } from '../../../scripts/test-run/run-in-lanes.ts';
import { ONE_FAILED, ONE_PASSED } from '../../../scripts/test-run/tally.ts';

describe('runInLanes', () => {
  it('counts every job, whichever order they end in, and runs no more than it may at once', async () => {
    let running = 0;
    let most = 0;
    const total = await runInLanes([30, 1, 2, 3, 1], 2, async (delayMs) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      running -= 1;
      return delayMs > 2 ? ONE_FAILED : ONE_PASSED;
    });
    expect(total).toEqual({ passed: 3, failed: 2, skipped: 0 });
    expect(most).toBe(2);
  });
});
