import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VedetteError } from '../../../../component/contract/errors.ts';
import type { DropReason, FrameLease } from '../../../../component/contract/frame.ts';
import { transactionSchema } from '../../../../component/contract/transaction-config.ts';
import {
  composeFailSafe,
  unknownModel,
} from '../../../../component/pipeline/transactions/compose-fail-safe.ts';
import type { Transaction } from '../../../../component/pipeline/transactions/transaction.ts';
import { TransactionBook } from '../../../../component/pipeline/transactions/transaction-book.ts';

const START_MS = 1_800_000_000_000;

/** A book over slots that only count, with clocks that a test sets. */
function scene(settings: Record<string, unknown> = {}) {
  const clock = { wall: START_MS, steady: 0 };
  const config = transactionSchema.parse({ deadlineMs: 1000, ...settings });
  const held = new Map<number, number>();
  const dropped: DropReason[] = [];
  const failSafes: { triggerId: string; code: string; message: string }[] = [];
  const replaced: string[] = [];
  const end = (transaction: Transaction, why: VedetteError, as: 'failSafe' | 'replaced') => {
    const origin = {
      thing: 'x',
      frame: { sequence: -1, capturedAtMs: START_MS, width: 0, height: 0 },
      takenAtMs: 0,
    };
    transaction.end(
      as === 'replaced' ? why : composeFailSafe(origin, unknownModel('m'), 'fail', why),
    );
    book.close(transaction, as);
  };
  const book: TransactionBook = new TransactionBook({
    camera: 'dock',
    config: () => config,
    clock: { wallMs: () => clock.wall, steadyMs: () => clock.steady },
    describe: ({ state }) => state,
    frames: {
      retain: (frame) => {
        held.set(frame.slot, (held.get(frame.slot) ?? 0) + 1);
        return frame;
      },
      release: ({ slot }) => held.set(slot, (held.get(slot) ?? 0) - 1),
      dropTaken: (reason) => dropped.push(reason),
    },
    onFailSafe: (transaction, why) => {
      failSafes.push({ triggerId: transaction.triggerId, code: why.code, message: why.message });
      end(transaction, why, 'failSafe');
    },
    onReplaced: (transaction, why) => {
      replaced.push(transaction.triggerId);
      end(transaction, why, 'replaced');
    },
  });
  let slot = 0;
  /** A frame comes that was captured now, or so long ago. */
  const frame = (agoMs = 0) => {
    slot += 1;
    held.set(slot, 1);
    book.offer(lease(slot, clock.steady - agoMs, clock.wall - agoMs));
    return slot;
  };
  const pass = (ms: number) => {
    clock.wall += ms;
    clock.steady += ms;
    vi.advanceTimersByTime(ms);
  };
  return { book, clock, held, dropped, failSafes, replaced, frame, pass };
}

const lease = (slot: number, capturedSteadyMs: number, capturedAtMs: number): FrameLease => ({
  ringId: 1,
  slot,
  token: slot,
  format: 'gray8',
  width: 1,
  height: 1,
  byteLength: 1,
  sequence: slot,
  capturedAtMs,
  capturedSteadyMs,
});

const never = new AbortController().signal;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('the frame of a trigger', () => {
  it('is the first one captured after it; frames before and others are counted as not asked for', async () => {
    const { book, frame, pass, dropped, held } = scene();
    frame();
    pass(10);
    book.open({ source: 'http', id: 'a' });
    pass(5);
    frame(12); // captured before the trigger, arrived after it
    const wanted = frame();
    frame();
    const asked = await book.next(never);
    expect(asked!.frame.slot).toBe(wanted);
    expect(asked!.transaction.reference(false).transaction!.frameDelayMs).toBe(5);
    expect(dropped).toEqual(['not-triggered', 'not-triggered', 'not-triggered']);
    expect([...held].filter(([, holds]) => holds > 0)).toEqual([[wanted, 1]]);
  });

  it('is not taken when it was captured too long after', () => {
    const { book, frame, pass, dropped, failSafes } = scene({ afterMs: 100 });
    book.open({ source: 'http', id: 'a' });
    pass(101);
    frame();
    expect(dropped).toEqual(['not-triggered']);
    pass(899);
    expect(failSafes).toMatchObject([{ triggerId: 'a', code: 'TRIGGER_DEADLINE_PASSED' }]);
  });

  it('is the one before when that is nearer', async () => {
    const { book, frame, pass, dropped } = scene({ beforeMs: 50 });
    const before = frame();
    pass(5);
    book.open({ source: 'http' });
    pass(20);
    expect((await book.next(never))!.frame.slot).toBe(before);
    frame();
    frame();
    expect(dropped).toEqual(['not-triggered']);
  });

  it('is the one after when that is nearer', async () => {
    const { book, frame, pass } = scene({ beforeMs: 50 });
    frame();
    pass(30);
    book.open({ source: 'http' });
    pass(10);
    const after = frame();
    expect((await book.next(never))!.frame.slot).toBe(after);
  });

  it('is shared by triggers that came between two frames', async () => {
    const { book, frame } = scene();
    book.open({ source: 'http', id: 'a' });
    book.open({ source: 'http', id: 'b' });
    const shared = frame();
    const [first, second] = [await book.next(never), await book.next(never)];
    expect([first!.frame.slot, second!.frame.slot]).toEqual([shared, shared]);
    expect([first!.transaction.triggerId, second!.transaction.triggerId]).toEqual(['a', 'b']);
  });

  it.each([
    ...[
      { ends: [true, true], firsts: [true, false], drops: [] },
      { ends: [false, true], firsts: [false, true], drops: [] },
      { ends: [true, false], firsts: [true, false], drops: [] },
      { ends: [false, false], firsts: [false, false], drops: ['late'] },
    ],
  ])('counts once when it is shared: judged $ends', async ({ ends, firsts, drops }) => {
    const { book, frame, dropped } = scene();
    book.open({ source: 'http', id: 'a' });
    book.open({ source: 'http', id: 'b' });
    frame();
    const counted: boolean[] = [];
    for (const isJudged of ends) {
      counted.push(book.endFrame((await book.next(never))!.frame, isJudged));
    }
    expect({ counted, dropped }).toEqual({ counted: firsts, dropped: drops });
  });

  it('is that of the trigger, also where the product of the part is still being read', async () => {
    const { book, frame, pass } = scene();
    const late = book.open({ source: 'press', arriving: new Promise(() => {}) });
    const wanted = frame();
    book.open({ source: 'http', id: 'b' });
    frame();
    const other = await book.next(never);
    expect(other!.transaction.triggerId).toBe('b');
    pass(20);
    book.arrive(late, { product: 'P27' });
    const asked = await book.next(never);
    expect(asked).toMatchObject({ transaction: late, frame: { slot: wanted } });
    expect(late.context).toEqual({ product: 'P27' });
  });
});

describe('a clock that is set back an hour', () => {
  it('changes neither which frame is taken nor the deadline', async () => {
    const { book, clock, frame, pass, failSafes } = scene();
    book.open({ source: 'http', id: 'a' });
    book.open({ source: 'http', id: 'b' });
    clock.wall -= 3_600_000;
    pass(20);
    const after = frame();
    expect((await book.next(never))!.frame.slot).toBe(after);
    pass(979);
    expect(failSafes).toEqual([]);
    pass(1);
    expect(failSafes.map(({ triggerId }) => triggerId)).toEqual(['a', 'b']);
  });

  it('still takes a frame that was stamped before it was set', async () => {
    const { book, clock, pass, held } = scene();
    book.open({ source: 'http' });
    pass(20);
    const stamped = [clock.steady, clock.wall] as const;
    clock.wall -= 3_600_000;
    held.set(1, 1);
    book.offer(lease(1, ...stamped));
    expect((await book.next(never))!.frame.slot).toBe(1);
  });
});

describe('a camera that was silent for half a minute, in which the clock was set back', () => {
  it('has its last frame not taken for one of now', async () => {
    const { book, clock, frame, pass } = scene({ beforeMs: 50, afterMs: 200 });
    frame();
    pass(30_000);
    clock.wall -= 3_600_000;
    const transaction = book.open({ source: 'http' });
    pass(20);
    expect(transaction.state).toBe('waiting-for-frame');
    const wanted = frame();
    expect((await book.next(never))!.frame.slot).toBe(wanted);
  });
});

describe('a busy camera', () => {
  it('queues up to its limit and refuses more', () => {
    const { book } = scene({ maxQueued: 2 });
    for (const id of ['a', 'b', 'c']) book.open({ source: 'http', id });
    expect(() => book.open({ source: 'http', id: 'd' })).toThrow(/3 triggers .* at most 3 may be/);
    expect(book.status()).toMatchObject({ open: 3, dropped: { 'queue-full': 1 } });
  });

  it('refuses at once with `drop`', () => {
    const { book } = scene({ whenBusy: 'drop' });
    book.open({ source: 'http', id: 'a' });
    expect(() => book.open({ source: 'http', id: 'b' })).toThrow(VedetteError);
    expect(book.status()).toMatchObject({ open: 1, dropped: { busy: 1 } });
  });

  it('gives the turn to the newest with `replace`, but not of what a model judges', async () => {
    const { book, frame, replaced, dropped } = scene({ whenBusy: 'replace' });
    book.open({ source: 'http', id: 'a' });
    frame();
    await book.next(never);
    book.open({ source: 'http', id: 'b' });
    frame();
    book.open({ source: 'http', id: 'c' });
    expect(replaced).toEqual(['b']);
    expect(dropped).toEqual(['late']);
    expect(book.status()).toMatchObject({ open: 2, dropped: { replaced: 1 } });
  });

  it('accounts for each of 10,000 triggers in one turn', () => {
    const { book, pass, failSafes } = scene();
    let refused = 0;
    for (let n = 0; n < 10_000; n += 1) {
      try {
        book.open({ source: 'http', id: `${n}` });
      } catch {
        refused += 1;
      }
    }
    pass(1000);
    expect(failSafes).toHaveLength(9);
    expect(book.status()).toEqual({
      ...{ open: 0, answered: 0, failSafe: 9, repeated: 0, late: 0 },
      dropped: { busy: 0, 'queue-full': refused, replaced: 0, invalid: 0 },
    });
    expect(refused).toBe(9991);
  });
});

it('a camera that stops gives each open trigger its fail-safe verdict and every frame back', () => {
  const { book, frame, failSafes, held } = scene({ beforeMs: 100 });
  frame();
  book.open({ source: 'http', id: 'a' });
  frame();
  book.open({ source: 'http', id: 'b' });
  book.end();
  expect(failSafes.map(({ code }) => code)).toEqual(['TRIGGER_INTERRUPTED', 'TRIGGER_INTERRUPTED']);
  expect([...held.values()].every((holds) => holds === 0)).toBe(true);
  expect(() => book.open({ source: 'http' })).toThrow(/being stopped/);
});
