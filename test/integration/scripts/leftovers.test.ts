import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { findLeftovers, killLeftovers, RUN_MARKER } from '../../../scripts/test-run/leftovers.ts';

describe('processes left behind', () => {
  it('are found by their mark even when their parent is gone, and ended', async () => {
    const runId = `leftovers-${process.pid}`;
    const parent = spawn('/bin/sh', ['-c', 'sleep 60 & echo started'], {
      env: { ...process.env, [RUN_MARKER]: runId },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(parent, 'exit');
    const seen = (): string =>
      findLeftovers(runId)
        .map(({ commandLine }) => commandLine)
        .join();
    await expect.poll(seen).toBe('sleep 60');
    killLeftovers(findLeftovers(runId));
    await expect.poll(seen).toBe('');
  });

  it('of another run are left alone', () => {
    expect(findLeftovers('another-run')).toEqual([]);
  });
});
