import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameSlots, type FramePolicy } from '../../../component/camera/frame-slots.ts';
import type { FrameLease } from '../../../component/contract/frame.ts';
import type { CameraDriver } from '../../../component/contract/ports.ts';

/** A real source that delivers more frames than any test here reads, and its driver. */
export interface DriverFixture {
  readonly driver: CameraDriver;
  /** Every frame is larger than this and smaller than `largestFrameBytes`. */
  readonly smallestFrameBytes: number;
  readonly largestFrameBytes: number;
  /** A source that waits for its reader delivers every frame; a live one cannot. */
  readonly canWait: boolean;
  /** The same kind of source, where there is none; absent when the source cannot be missing. */
  readonly missing?: CameraDriver;
  close(): Promise<void>;
}

const SLOTS = 4;

/** Descriptors and children of this process. */
function openThings(): { descriptors: number; children: number } {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return { descriptors: readdirSync('/proc/self/fd').length, children: children.length };
}

/** Two seconds are promised; a busy machine gets twice as many. */
async function endsInTime(run: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the driver still runs after its abort')), 4000);
  });
  await Promise.race([run, tooLate]).finally(() => clearTimeout(timer));
}

/** The promises that every driver of a camera keeps (component/contract/ports.ts). */
export function describeCameraDriver(title: string, setUp: () => Promise<DriverFixture>): void {
  describe(`the driver of ${title}`, () => {
    let fixture: DriverFixture;
    let slots: FrameSlots;
    let stop: AbortController;

    beforeEach(async () => {
      fixture = await setUp();
      stop = new AbortController();
    });

    afterEach(async () => {
      stop.abort();
      slots.close();
      await fixture.close();
    });

    const open = (policy: FramePolicy, slotBytes = fixture.largestFrameBytes) => {
      slots = new FrameSlots({ slots: SLOTS, slotBytes, policy });
      return slots;
    };

    const read = async (count: number): Promise<FrameLease[]> => {
      const frames: FrameLease[] = [];
      while (frames.length < count) {
        const lease = await slots.next(AbortSignal.timeout(15_000));
        if (lease === undefined) throw new Error(`only ${frames.length} of ${count} frames came`);
        frames.push(lease);
        await fixture.driver.settle?.(lease, 'judged');
        slots.release(lease);
      }
      return frames;
    };

    const expectAllAccountedFor = () => {
      const dropped = Object.values(slots.framesDropped).reduce((sum, count) => sum + count, 0);
      expect(slots.framesTaken + slots.framesWaiting + dropped).toBe(slots.framesDelivered);
    };

    it.each(['newest', 'every'] as const)(
      'delivers described frames in order, reusing its slots (policy %s)',
      async (policy) => {
        open(policy);
        const beganMs = Date.now();
        const run = fixture.driver.run(slots, stop.signal);
        const frames = await read(3 * SLOTS);
        stop.abort();
        await run;
        for (const [index, frame] of frames.entries()) {
          expect(frame.byteLength).toBeGreaterThan(fixture.smallestFrameBytes);
          expect(frame.byteLength).toBeLessThanOrEqual(fixture.largestFrameBytes);
          expect(frame.width).toBeGreaterThan(0);
          expect(frame.height).toBeGreaterThan(0);
          expect(frame.capturedAtMs).toBeGreaterThan(beganMs - 60_000);
          expect(frame.capturedAtMs).toBeLessThanOrEqual(Date.now());
          if (index > 0) expect(frame.sequence).toBeGreaterThan(frames[index - 1]!.sequence);
        }
        expectAllAccountedFor();
      },
    );

    it('ends soon after its abort with everything closed, and can run again', async () => {
      open('newest');
      const before: ReturnType<typeof openThings>[] = [];
      let sequence = -1;
      for (let round = 0; round < 3; round += 1) {
        const once = new AbortController();
        before.push(openThings());
        const run = fixture.driver.run(slots, once.signal);
        const frames = await read(3);
        expect(frames[0]!.sequence).toBeGreaterThan(sequence);
        sequence = frames.at(-1)!.sequence;
        once.abort();
        await endsInTime(run);
      }
      // The first round may open what stays for the life of the process (inotify, the thread pool).
      expect(openThings()).toEqual(before[1]);
    });

    it('ends soon after its abort while all slots are held', async () => {
      open('every');
      const run = fixture.driver.run(slots, stop.signal);
      const held: FrameLease[] = [];
      for (let index = 0; index < SLOTS; index += 1) {
        held.push((await slots.next(AbortSignal.timeout(15_000)))!);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      stop.abort();
      await endsInTime(run);
      for (const lease of held) slots.release(lease);
      expectAllAccountedFor();
    });

    it('does nothing when it is stopped before it began', async () => {
      open('newest');
      stop.abort();
      await fixture.driver.run(slots, stop.signal);
      expect(slots.framesDelivered).toBe(0);
    });

    it('gives every frame in order to a slow reader when the policy is `every`', async () => {
      if (!fixture.canWait) return;
      open('every');
      const run = fixture.driver.run(slots, stop.signal);
      const sequences: number[] = [];
      for (let index = 0; index < 3 * SLOTS; index += 1) {
        const [frame] = await read(1);
        sequences.push(frame!.sequence);
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      expect(sequences).toEqual(sequences.map((_, index) => sequences[0]! + index));
      expect(slots.framesDropped).toEqual({});
      stop.abort();
      await run;
      expectAllAccountedFor();
    });

    it('gives the newest frame to a slow reader and counts the others when the policy is `newest`', async () => {
      open('newest');
      const run = fixture.driver.run(slots, stop.signal);
      const [first] = await read(1);
      while (slots.framesDelivered < first!.sequence + 3 * SLOTS) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const [late] = await read(1);
      expect(late!.sequence).toBeGreaterThan(first!.sequence + SLOTS);
      stop.abort();
      await run;
      expectAllAccountedFor();
      expect(slots.framesDropped.overwritten).toBeGreaterThan(0);
      slots.close();
      expectAllAccountedFor();
    });

    it('counts frames that do not fit a slot, and takes none of them', async () => {
      open('every', fixture.smallestFrameBytes);
      const run = fixture.driver.run(slots, stop.signal).catch((error: unknown) => error);
      while ((slots.framesDropped['too-large'] ?? 0) === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      stop.abort();
      await run;
      expect(slots.framesTaken + slots.framesWaiting).toBe(0);
      expectAllAccountedFor();
    });

    it('says CAMERA_SOURCE_MISSING when there is no such source', async () => {
      open('newest');
      if (fixture.missing === undefined) return;
      await expect(fixture.missing.run(slots, stop.signal)).rejects.toMatchObject({
        code: 'CAMERA_SOURCE_MISSING',
      });
    });

    it('counts what waits in the slots as stopped when they are closed', async () => {
      open('every');
      const run = fixture.driver.run(slots, stop.signal);
      while (slots.framesWaiting < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      stop.abort();
      await run;
      slots.close();
      expect(slots.framesWaiting).toBe(0);
      expect(slots.framesDropped.stopped).toBeGreaterThanOrEqual(2);
      expectAllAccountedFor();
    });
  });
}
