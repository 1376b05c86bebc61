import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FrameSlots, type FramePolicy } from '../../../component/camera/frame-slots.ts';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { FrameLease } from '../../../component/contract/frame.ts';
import type { SlotWriter } from '../../../component/contract/ports.ts';

const deep = process.env['VEDETTE_DEEP'] === '1';
const never = new AbortController().signal;
const opened: FrameSlots[] = [];
const open = (policy: FramePolicy, slots = 3) => {
  const made = new FrameSlots({ slots, slotBytes: 64, policy });
  opened.push(made);
  return made;
};
afterEach(() => {
  for (const slots of opened.splice(0)) slots.close();
});

const frame = (sequence: number, fileName?: string) => ({
  format: 'gray8' as const,
  width: 8,
  height: 8,
  byteLength: 64,
  sequence,
  capturedAtMs: 1_790_000_000_000.5 + sequence,
  ...(fileName === undefined ? {} : { fileName }),
});

async function publish(slots: FrameSlots, sequence: number, fileName?: string): Promise<void> {
  const writer = await slots.openSlot(64, never);
  writer?.bytes.fill(sequence);
  writer?.publish(frame(sequence, fileName));
}

describe('FrameSlots', () => {
  it('hands out a frame as it was described, with its file name', async () => {
    const slots = open('every');
    await publish(slots, 7, 'part 7.jpg');
    const lease = (await slots.next(never))!;
    expect(lease).toMatchObject(frame(7, 'part 7.jpg'));
    expect(lease.ringId).toBe(slots.ringId);
    slots.release(lease);
    await publish(slots, 8);
    expect(await slots.next(never)).not.toHaveProperty('fileName');
  });

  it('tells when a frame was taken by the steady clock, at the latest now', async () => {
    const slots = open('every');
    for (const [sequence, agoMs] of [60_000, -3_600_000].entries()) {
      const beforeMs = performance.now();
      const writer = (await slots.openSlot(64, never))!;
      writer.publish({ ...frame(sequence), capturedAtMs: Date.now() - agoMs });
      const lease = (await slots.next(never))!;
      const agedMs = Math.max(0, agoMs);
      // Wall times are whole milliseconds.
      expect(lease.capturedSteadyMs).toBeGreaterThan(beforeMs - agedMs - 2);
      expect(lease.capturedSteadyMs).toBeLessThan(performance.now() - agedMs + 2);
      slots.release(lease);
    }
  });

  it('tells it as it was when a clock is set while the frame waits for its reader', async () => {
    const slots = open('every');
    const writer = (await slots.openSlot(64, never))!;
    writer.publish({ ...frame(0), capturedAtMs: Date.now() });
    const publishedMs = performance.now();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    try {
      while (performance.now() < publishedMs + 50) await setImmediate();
      const lease = (await slots.next(never))!;
      expect(lease.capturedSteadyMs).toBeLessThanOrEqual(publishedMs);
      expect(lease.capturedSteadyMs).toBeGreaterThan(publishedMs - 50);
      slots.release(lease);
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets a writer wait for a slot under `every`, first come first served', async () => {
    const slots = open('every');
    for (const sequence of [0, 1, 2]) await publish(slots, sequence);
    const order: number[] = [];
    const waiting = [3, 4].map(async (sequence) => {
      await publish(slots, sequence);
      order.push(sequence);
    });
    expect(slots.isWaitingForReader).toBe(true);
    const seen: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      const lease = (await slots.next(never))!;
      seen.push(lease.sequence);
      slots.release(lease);
    }
    await Promise.all(waiting);
    expect(order).toEqual([3, 4]);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(slots.framesDropped).toEqual({});
  });

  it('gives the slot of a frame that cannot be described back, and counts the frame', async () => {
    const slots = open('every');
    for (let sequence = 0; sequence < 5; sequence += 1) {
      const writer = (await slots.openSlot(64, never))!;
      const publish = () => writer.publish({ ...frame(sequence), width: 2 ** 31 + 1 });
      expect(publish).toThrow(expect.objectContaining({ code: 'FRAME_INVALID' }));
      expect(() => writer.abandon()).toThrow('twice');
    }
    expect(slots.framesDropped).toEqual({ unreadable: 5 });
    expect(slots.framesDelivered).toBe(5);
    await publish(slots, 5, 'good.jpg');
    expect((await slots.next(never))!.fileName).toBe('good.jpg');
  });

  it('overwrites the oldest unread frame under `newest`, and counts it', async () => {
    const slots = open('newest');
    for (let sequence = 0; sequence < 10; sequence += 1) await publish(slots, sequence);
    expect((await slots.next(never))!.sequence).toBe(9);
    expect(slots.framesDropped).toEqual({ overwritten: 9 });
  });

  it('counts a frame for which every slot is held', async () => {
    const slots = open('newest');
    const held: FrameLease[] = [];
    for (let sequence = 0; sequence < 3; sequence += 1) {
      await publish(slots, sequence);
      held.push((await slots.next(never))!);
    }
    expect(await slots.openSlot(64, never)).toBeUndefined();
    expect(slots.framesDropped).toEqual({ 'no-free-slot': 1 });
    slots.release(held[0]!);
    await publish(slots, 4);
    expect((await slots.next(never))!.sequence).toBe(4);
  });

  it('keeps a frame until its last hold is released', async () => {
    const slots = open('newest');
    await publish(slots, 1);
    const lease = (await slots.next(never))!;
    const second = slots.retain(lease);
    slots.release(lease);
    for (let sequence = 2; sequence < 8; sequence += 1) await publish(slots, sequence);
    expect(second.sequence).toBe(1);
    slots.release(second);
    expect(() => slots.release(second)).toThrow(VedetteError);
  });

  it('notices a slot that another thread gave back to the ring', async () => {
    const slots = open('every');
    for (const sequence of [0, 1, 2]) await publish(slots, sequence);
    const lease = (await slots.next(never))!;
    const writing = slots.openSlot(64, never);
    const { FrameRing } = await import('../../../native/index.ts');
    FrameRing.attach(slots.ringId).release(lease);
    (await writing)!.abandon();
  });

  it('wakes readers and writers that wait when their signal is aborted', async () => {
    const stop = new AbortController();
    const full = open('every');
    for (const sequence of [0, 1, 2]) await publish(full, sequence);
    const waiting = full.openSlot(64, stop.signal);
    const empty = open('every').next(stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
    expect(await empty).toBeUndefined();
    expect(full.framesDropped).toEqual({ stopped: 1 });
  });

  it('gives what is left after the source ended for good, then nothing', async () => {
    const slots = open('every');
    await publish(slots, 0);
    slots.end();
    slots.release((await slots.next(never))!);
    expect(await slots.next(never)).toBeUndefined();
    const other = open('every');
    const waiting = other.next(never);
    other.end();
    expect(await waiting).toBeUndefined();
  });

  it('refuses a frame that is larger than a slot, and says so', async () => {
    const drops: [string, string | undefined][] = [];
    const slots = new FrameSlots({
      slots: 3,
      slotBytes: 64,
      policy: 'every',
      onDrop: (reason, _count, error) => drops.push([reason, error?.message]),
    });
    opened.push(slots);
    expect(await slots.openSlot(65, never)).toBeUndefined();
    expect(drops).toEqual([['too-large', expect.stringMatching(/65 bytes .* 64 bytes/)]]);
  });

  it('keeps held frames valid after closing, and lets their writer finish', async () => {
    const slots = open('every');
    await publish(slots, 0);
    await publish(slots, 1);
    const held = (await slots.next(never))!;
    const writer = (await slots.openSlot(64, never))!;
    slots.close();
    slots.close();
    writer.bytes.fill(3);
    writer.publish(frame(2));
    expect(await slots.next(never)).toBeUndefined();
    slots.release(held);
    expect(slots.reclaim(5)).toBe(0);
    expect(slots.framesDropped).toEqual({ stopped: 2 });
    expect(slots.framesDelivered).toBe(3);
  });

  it('accounts for every frame whatever happens in whatever order', async () => {
    const action = fc.constantFrom(
      'write',
      'abandon',
      'take',
      'release',
      'retain',
      'unreadable',
      'too-large',
      'native',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<FramePolicy>('newest', 'every'),
        fc.array(action, { maxLength: 60 }),
        async (policy, actions) => {
          const slots = open(policy);
          const held: FrameLease[] = [];
          let delivered = 0;
          let judged = 0;
          const now = AbortSignal.abort();
          const write = async (finish: (writer: SlotWriter) => void) => {
            // Under `every` a full ring would make it wait for ever: then it gives up at once.
            const signal = slots.isWaitingForReader ? now : never;
            const writer = await slots.openSlot(64, signal);
            if (writer !== undefined) finish(writer);
            return writer === undefined;
          };
          for (const what of actions) {
            if (what === 'write') {
              await write((writer) => writer.publish(frame(delivered)));
              delivered += 1;
            } else if (what === 'abandon') {
              if (await write((writer) => writer.abandon())) delivered += 1;
            } else if (what === 'take' && slots.framesWaiting > 0) {
              held.push((await slots.next(never))!);
            } else if (what === 'release' && held.length > 0) {
              slots.release(held.shift()!);
              judged += 1;
            } else if (what === 'retain' && held.length > 0) {
              slots.release(slots.retain(held[0]!));
            } else if (what === 'unreadable') {
              slots.countDrop('unreadable');
              delivered += 1;
            } else if (what === 'too-large') {
              await slots.openSlot(1000, never);
              delivered += 1;
            } else if (what === 'native') {
              slots.notifyPublished({ published: 0, overwritten: 0, discarded: 2 });
              delivered += 2;
            }
            const dropped = Object.values(slots.framesDropped).reduce((sum, n) => sum + n, 0);
            expect(slots.framesDelivered).toBe(delivered);
            expect(delivered).toBe(judged + held.length + dropped + slots.framesWaiting);
          }
          slots.close();
          for (const lease of held) slots.release(lease);
          const dropped = Object.values(slots.framesDropped).reduce((sum, n) => sum + n, 0);
          expect(slots.framesTaken + dropped).toBe(delivered);
        },
      ),
      { numRuns: deep ? 5000 : 200 },
    );
  });
});
