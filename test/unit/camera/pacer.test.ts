import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pacer } from '../../../component/camera/pacer.ts';

const never = new AbortController().signal;

describe('Pacer', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Waits for the next frame and returns when it went, in milliseconds. */
  async function went(pacer: Pacer): Promise<number> {
    const waiting = pacer.next(never);
    await vi.runAllTimersAsync();
    await waiting;
    return performance.now();
  }

  it('does not drift, whatever each frame takes', async () => {
    const pacer = new Pacer('source', 10);
    const start = await went(pacer);
    for (let frame = 1; frame <= 50; frame += 1) {
      vi.advanceTimersByTime((frame * 37) % 90);
      expect(await went(pacer)).toBeCloseTo(start + frame * 100, 5);
    }
  });

  it('goes on from now after it fell behind, without a burst', async () => {
    const pacer = new Pacer('source', 10);
    const start = await went(pacer);
    vi.advanceTimersByTime(1050);
    expect(await went(pacer)).toBeCloseTo(start + 1050, 5);
    expect(await went(pacer)).toBeCloseTo(start + 1150, 5);
  });

  it('does not wait when it is fast or aborted', async () => {
    const fast = new Pacer('fast', 0.001);
    await fast.next(never);
    await fast.next(never);
    const slow = new Pacer('source', 0.001);
    await slow.next(never);
    const stop = new AbortController();
    const waiting = slow.next(stop.signal);
    stop.abort();
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });
});
