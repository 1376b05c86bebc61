import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  CameraSupervisor,
  type CameraHealth,
  type RetryTimes,
} from '../../../component/camera/camera-supervisor.ts';
import { FrameSlots, type FramePolicy } from '../../../component/camera/frame-slots.ts';
import { VedetteError, type ErrorCode } from '../../../component/contract/errors.ts';
import type { CameraDriver, FrameSink } from '../../../component/contract/ports.ts';

/** A source whose every run is written down: how many frames it gives and how it ends. */
type Run = (sink: FrameSink, signal: AbortSignal, frame: () => Promise<void>) => Promise<void>;

class ScriptedDriver implements CameraDriver {
  readonly endsForGood: boolean;
  readonly stallTimeoutMs?: number;
  readonly #runs: Run[];
  #sequence = 0;
  runs = 0;

  constructor(runs: Run[], options: { endsForGood?: boolean; stallTimeoutMs?: number } = {}) {
    this.#runs = runs;
    this.endsForGood = options.endsForGood ?? false;
    if (options.stallTimeoutMs !== undefined) this.stallTimeoutMs = options.stallTimeoutMs;
  }

  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    const run = this.#runs[Math.min(this.runs, this.#runs.length - 1)]!;
    this.runs += 1;
    await run(sink, signal, async () => {
      const writer = await sink.openSlot(64, signal);
      this.#sequence += 1;
      writer?.publish({
        format: 'gray8',
        width: 8,
        height: 8,
        byteLength: 64,
        sequence: this.#sequence,
        capturedAtMs: Date.now(),
      });
    });
  }
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve());
  });
const failing =
  (code: ErrorCode): Run =>
  () =>
    Promise.reject(new VedetteError(code, 'it is broken'));
const healthy: Run = async (_sink, signal, frame) => {
  await frame();
  await untilAborted(signal);
};

const FAST: Partial<RetryTimes> = { firstMs: 5, maximumMs: 20, missingMaximumMs: 10 };
const open: { supervisor: CameraSupervisor; slots: FrameSlots }[] = [];
afterEach(async () => {
  for (const { supervisor, slots } of open.splice(0)) {
    await supervisor.close();
    slots.close();
  }
});

function supervise(
  driver: CameraDriver,
  options: { policy?: FramePolicy; retry?: Partial<RetryTimes> } = {},
) {
  const slots = new FrameSlots({ slots: 3, slotBytes: 64, policy: options.policy ?? 'newest' });
  const changes: CameraHealth[] = [];
  const supervisor = new CameraSupervisor({
    name: 'dock',
    driver,
    slots,
    onChange: (health) => changes.push(health),
    retry: { ...FAST, ...options.retry },
  });
  open.push({ supervisor, slots });
  supervisor.start();
  const states = () => changes.map(({ state, reason }) => [state, reason?.code].join(' ').trim());
  return { supervisor, slots, changes, states };
}

describe('CameraSupervisor', () => {
  it('is starting until the first frame, then running', async () => {
    const { supervisor, states } = supervise(new ScriptedDriver([healthy]));
    expect(supervisor.status.state).toBe('starting');
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'));
    expect(states()).toEqual(['running']);
    expect(supervisor.status).toMatchObject({ name: 'dock', restarts: 0, framesDelivered: 1 });
    expect(supervisor.status).not.toHaveProperty('reason');
  });

  it('is running as soon as a source says that it is open, even without a frame', async () => {
    const { supervisor } = supervise(
      new ScriptedDriver([
        async (sink, signal) => {
          sink.notifyOpened();
          await untilAborted(signal);
        },
      ]),
    );
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'));
  });

  it('tells a fault that stays once, however often it tries', async () => {
    const first: Run = async (_sink, _signal, frame) => {
      await frame();
      throw new VedetteError('CAMERA_SOURCE_MISSING', 'gone');
    };
    const flaky = new ScriptedDriver([first, failing('CAMERA_SOURCE_MISSING')]);
    const { supervisor, states } = supervise(flaky);
    await vi.waitFor(() => expect(flaky.runs).toBeGreaterThan(8));
    expect(states()).toEqual(['running', 'reconnecting CAMERA_SOURCE_MISSING']);
    expect(supervisor.status.restarts).toBeGreaterThanOrEqual(7);
  });

  it('comes back by itself and forgets the reason', async () => {
    const fail = failing('CAMERA_SOURCE_MISSING');
    const { supervisor, states } = supervise(new ScriptedDriver([fail, fail, fail, healthy]));
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'));
    expect(states()).toEqual(['reconnecting CAMERA_SOURCE_MISSING', 'running']);
    expect(supervisor.status).not.toHaveProperty('reason');
    expect(supervisor.status.restarts).toBe(3);
  });

  it('has failed when somebody must mend it, and goes on trying', async () => {
    const fail = failing('FFMPEG_MISSING');
    const driver = new ScriptedDriver([fail, fail, healthy]);
    const { supervisor, states } = supervise(driver);
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'));
    expect(states()).toEqual(['failed FFMPEG_MISSING', 'running']);
  });

  it('opens a source again that ended by itself', async () => {
    const short: Run = async (_sink, _signal, frame) => frame();
    const driver = new ScriptedDriver([short]);
    const { states } = supervise(driver);
    await vi.waitFor(() => expect(driver.runs).toBeGreaterThan(2));
    expect(states().slice(0, 2)).toEqual(['running', 'reconnecting CAMERA_SOURCE_FAILED']);
  });

  it('has ended when the end is final, and the reader gets what is left', async () => {
    const short: Run = async (_sink, _signal, frame) => {
      await frame();
      await frame();
    };
    const driver = new ScriptedDriver([short], { endsForGood: true });
    const { supervisor, slots } = supervise(driver, { policy: 'every' });
    await vi.waitFor(() => expect(supervisor.status.state).toBe('ended'));
    const never = new AbortController().signal;
    expect((await slots.next(never))?.sequence).toBe(1);
    expect((await slots.next(never))?.sequence).toBe(2);
    expect(await slots.next(never)).toBeUndefined();
    expect(driver.runs).toBe(1);
  });

  it('opens a source again that went silent', async () => {
    const driver = new ScriptedDriver([healthy], { stallTimeoutMs: 60 });
    const { supervisor, states } = supervise(driver);
    await vi.waitFor(() => expect(supervisor.status.restarts).toBeGreaterThan(1));
    expect(states().slice(0, 3)).toEqual(['running', 'stalled CAMERA_SOURCE_FAILED', 'running']);
  });

  it('gives a source longer for its first frame than between frames, but not for ever', async () => {
    const silent: Run = (_sink, signal) => untilAborted(signal);
    const slow: Run = async (sink, signal, frame) => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await frame();
      await healthy(sink, signal, frame);
    };
    const patient = supervise(new ScriptedDriver([slow], { stallTimeoutMs: 40 }));
    await vi.waitFor(() => expect(patient.supervisor.status.state).not.toBe('starting'));
    expect(patient.states()[0]).toBe('running');
    const { states } = supervise(new ScriptedDriver([silent], { stallTimeoutMs: 40 }), {
      retry: { openingMs: 100 },
    });
    await vi.waitFor(() => expect(states()).toEqual(['stalled CAMERA_SOURCE_FAILED']));
  });

  it('soon gives up an opening that hangs, of a source that opens quickly', async () => {
    const one: Run = (_sink, _signal, frame) => frame();
    const hangs: Run = (_sink, signal) => untilAborted(signal);
    const driver = new ScriptedDriver([one, hangs, healthy], { stallTimeoutMs: 40 });
    const { states } = supervise(driver, { retry: { openingMs: 60_000, openingLeastMs: 100 } });
    await vi.waitFor(() => expect(driver.runs).toBe(3));
    await vi.waitFor(() => expect(states().at(-1)).toBe('running'));
    expect(states()).toContain('stalled CAMERA_SOURCE_FAILED');
  });

  it('opens a source that gave frames and failed again and again without longer and longer pauses', async () => {
    const flapping: Run = async (_sink, _signal, frame) => {
      await frame();
      throw new VedetteError('CAMERA_SOURCE_FAILED', 'it went away');
    };
    const driver = new ScriptedDriver([flapping]);
    supervise(driver, { retry: { maximumMs: 60_000, deliveredMaximumMs: 10 } });
    await vi.waitFor(() => expect(driver.runs).toBeGreaterThan(16));
  });

  it('does not wait long for a source that nobody tells the return of', async () => {
    const untold = new ScriptedDriver([failing('CAMERA_SOURCE_FAILED')]);
    supervise(untold, { retry: { maximumMs: 60_000, untoldMaximumMs: 10 } });
    await vi.waitFor(() => expect(untold.runs).toBeGreaterThan(16));
  });

  it('does not take a source for silent that waits for its reader', async () => {
    const busy: Run = async (_sink, signal, frame) => {
      while (!signal.aborted) await frame();
    };
    const driver = new ScriptedDriver([busy], { stallTimeoutMs: 40 });
    const { supervisor } = supervise(driver, { policy: 'every' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(supervisor.status).toMatchObject({ state: 'running', restarts: 0 });
  });

  it('does not let late frames of a stalled source look like recovery', async () => {
    let late: (() => Promise<void>) | undefined;
    const driver = new ScriptedDriver(
      [
        async (_sink, signal, frame) => {
          late = frame;
          await untilAborted(signal);
          await frame();
          throw new Error('was stopped');
        },
        (_sink, signal) => untilAborted(signal),
      ],
      { stallTimeoutMs: 40 },
    );
    const { states } = supervise(driver, {
      retry: { firstMs: 10_000, maximumMs: 10_000, openingMs: 0 },
    });
    await vi.waitFor(() => expect(states()).toEqual(['stalled CAMERA_SOURCE_FAILED']));
    await late?.();
    expect(states()).toEqual(['stalled CAMERA_SOURCE_FAILED']);
  });

  it('turns whatever a driver throws into a coded reason', async () => {
    const { supervisor } = supervise(
      new ScriptedDriver([() => Promise.reject(new TypeError('x is not a function'))]),
    );
    await vi.waitFor(() =>
      expect(supervisor.status.reason).toMatchObject({ code: 'CAMERA_SOURCE_FAILED' }),
    );
  });

  it('closes even if a driver does not end', async () => {
    const { supervisor } = supervise(new ScriptedDriver([() => new Promise(() => {})]));
    await supervisor.close();
  });

  it('closes during a pause and before it was started', async () => {
    const { supervisor } = supervise(new ScriptedDriver([failing('CAMERA_SOURCE_FAILED')]), {
      retry: { firstMs: 60_000, maximumMs: 60_000 },
    });
    await vi.waitFor(() => expect(supervisor.status.state).toBe('reconnecting'));
    await supervisor.close();
    const slots = new FrameSlots({ slots: 3, slotBytes: 64, policy: 'every' });
    await new CameraSupervisor({
      name: 'never',
      driver: new ScriptedDriver([healthy]),
      slots,
    }).close();
    slots.close();
  });
});
