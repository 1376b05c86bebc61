import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import type { FrameDescription } from '../../../component/contract/frame.ts';
import { FrameRing } from '../../../native/index.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const open: FrameRing[] = [];

function createRing(slots = 3, slotBytes = 64): FrameRing {
  const ring = FrameRing.create({ slots, slotBytes });
  open.push(ring);
  return ring;
}

afterEach(() => {
  for (const ring of open.splice(0)) ring.close();
});

const frame = (sequence: number): FrameDescription => ({
  format: 'gray8',
  width: 8,
  height: 8,
  byteLength: 64,
  sequence,
  capturedAtMs: 1_763_000_000_000.25 + sequence,
});

function write(ring: FrameRing, sequence: number, mayOverwrite = true) {
  const begun = ring.beginWrite(mayOverwrite);
  if (begun === undefined) return undefined;
  ring.bytes(begun.slot).fill(sequence & 255);
  ring.publish(begun.slot, frame(sequence));
  return begun;
}

const invalid = expect.objectContaining({ name: 'VedetteError', code: 'FRAME_INVALID' });

test('a published frame comes back with its numbers and pixels', () => {
  const ring = createRing();
  const described = {
    ...{ ...frame(7), capturedSteadyMs: 1234.5 },
    ...({ format: 'nv12', width: 5, height: 3, strides: [8, 6] } as const),
  };
  const begun = ring.beginWrite(false)!;
  ring.bytes(begun.slot).set([1, 2, 3]);
  ring.publish(begun.slot, described);
  const lease = ring.takeOldest(1)!;
  expect(lease).toEqual({
    ...described,
    ...{ ringId: ring.id, slot: begun.slot, token: lease.token },
    capturedSteadyMs: expect.closeTo(1234.5),
  });
  expect([...ring.bytes(lease.slot).subarray(0, 3)]).toEqual([1, 2, 3]);
  ring.release(lease);
});

test('what a frame says of its samples travels with it, and is refused where it makes no sense', () => {
  const ring = createRing();
  const publish = (described: FrameDescription) => {
    const { slot } = ring.beginWrite(true)!;
    try {
      ring.publish(slot, described);
    } catch (error) {
      ring.cancelWrite(slot);
      throw error;
    }
    const lease = ring.takeOldest(1)!;
    ring.release(lease);
    return lease;
  };
  for (const matrix of ['bt601', 'bt709'] as const) {
    for (const range of ['limited', 'full'] as const) {
      const colour = { matrix, range };
      const lease = publish({ ...frame(1), format: 'nv21', width: 4, height: 4, colour });
      expect(lease).toMatchObject({ format: 'nv21', colour });
      expect(lease).not.toHaveProperty('levels');
    }
  }
  const mono = { ...frame(2), format: 'mono12p', width: 6, height: 7 } as const;
  const levels = { black: 64, white: 3000 };
  expect(publish({ ...mono, levels })).toMatchObject({ format: 'mono12p', levels });
  expect(publish(mono)).not.toHaveProperty('levels');
  expect(publish(mono)).not.toHaveProperty('colour');
  const colour = { matrix: 'bt709', range: 'full' } as const;
  expect(() => publish({ ...mono, colour })).toThrow(invalid);
  expect(() => publish({ ...mono, levels: { black: 5, white: 5 } })).toThrow(invalid);
  expect(() => publish({ ...mono, levels: { black: 0, white: 4096 } })).toThrow(invalid);
  expect(() => publish({ ...frame(1), levels })).toThrow(invalid);
  expect(() => publish({ ...frame(1), format: 'jpeg', colour })).toThrow(invalid);
  expect(() => publish({ ...mono, width: 7, height: 7 })).toThrow(invalid);
});

test('oldest comes in order of publication, newest passes over the others and counts them', () => {
  const ring = createRing(4);
  for (const sequence of [1, 2, 3]) write(ring, sequence);
  expect(ring.takeOldest(1)?.sequence).toBe(1);
  const newest = ring.takeNewest(1)!;
  expect(newest.lease.sequence).toBe(3);
  expect(newest.skipped).toBe(1);
  expect(ring.takeNewest(1)).toBeUndefined();
  expect(ring.takeOldest(1)).toBeUndefined();
  expect(ring.statistics()).toEqual({
    free: 2,
    unread: 0,
    held: 2,
    writing: 0,
    published: 3,
    overwritten: 0,
    skipped: 1,
  });
});

test('a writer that may overwrite takes the oldest unread slot, never a held one', () => {
  const ring = createRing(3);
  for (const sequence of [1, 2, 3]) write(ring, sequence);
  expect(ring.beginWrite(false)).toBeUndefined();
  const held = ring.takeOldest(1)!;
  expect(write(ring, 4)).toMatchObject({ overwritten: true });
  expect(ring.bytes(held.slot)[0]).toBe(1);
  const rest = [ring.takeOldest(1), ring.takeOldest(1)];
  expect(rest.map((lease) => lease?.sequence)).toEqual([3, 4]);
  expect(ring.beginWrite(true)).toBeUndefined();
  expect(ring.statistics()).toMatchObject({ overwritten: 1, published: 4, held: 3 });
});

test('a slot is free when its last hold is released', () => {
  const ring = createRing(1);
  write(ring, 1);
  const first = ring.takeOldest(1)!;
  const second = ring.retain(first, 2);
  ring.release(first);
  expect(write(ring, 2)).toBeUndefined();
  ring.release(second);
  expect(write(ring, 2)).toBeDefined();
});

test('a lease ends once: releasing or retaining it again is refused', () => {
  const ring = createRing();
  write(ring, 1);
  const lease = ring.takeOldest(1)!;
  ring.release(lease);
  expect(() => ring.release(lease)).toThrow(invalid);
  expect(() => ring.retain(lease, 1)).toThrow(invalid);
  write(ring, 2);
  const next = ring.takeOldest(1)!;
  expect(() => ring.release({ ...next, token: lease.token })).toThrow(invalid);
  expect(() => ring.release({ ...next, slot: (next.slot + 1) % 3 })).toThrow(invalid);
  expect(() => createRing().release(next)).toThrow(invalid);
});

test('the holds of an owner that died are taken back, those of others stay', () => {
  const ring = createRing(3);
  write(ring, 1);
  write(ring, 2);
  const shared = ring.takeOldest(5)!;
  ring.retain(shared, 6);
  const other = ring.takeOldest(6)!;
  expect(ring.reclaim(6)).toBe(2);
  expect(() => ring.release(other)).toThrow(invalid);
  expect(ring.statistics()).toMatchObject({ held: 1, free: 2 });
  ring.release(shared);
  expect(ring.reclaim(6)).toBe(0);
});

test('what does not fit together is refused and the slot stays open for writing', () => {
  const ring = createRing(2);
  const { slot } = ring.beginWrite(false)!;
  const wrong: Partial<Record<keyof FrameDescription, unknown>>[] = [
    { byteLength: 65 },
    { byteLength: 63 },
    { byteLength: -1 },
    { byteLength: 1.5 },
    { width: 0 },
    { width: NaN },
    { height: Infinity },
    { height: '8' },
    { format: 'gray16' },
    { strides: [7] },
    { strides: [8, 8] },
    { strides: [8, 8, 8, 8] },
    { strides: 8 },
    { sequence: -1 },
    { sequence: undefined },
    { capturedAtMs: NaN },
    { capturedSteadyMs: NaN },
  ];
  for (const change of wrong) {
    const described = { ...frame(1), ...change } as FrameDescription;
    expect(() => ring.publish(slot, described), JSON.stringify(change)).toThrow(invalid);
  }
  ring.publish(slot, frame(1));
  expect(() => ring.publish(slot, frame(1))).toThrow(invalid);
  expect(() => ring.cancelWrite(slot)).toThrow(invalid);
  for (const bad of [-1, 2, 1e12, 0.5, NaN]) {
    expect(() => ring.bytes(bad)).toThrow(invalid);
    expect(() => ring.cancelWrite(bad)).toThrow(invalid);
  }
  expect(() => ring.takeOldest(-1)).toThrow(invalid);
  expect(() => ring.takeOldest(NaN)).toThrow(invalid);
});

test('sizes beyond the bounds are refused before memory is taken', () => {
  for (const options of [
    { slots: 0, slotBytes: 1 },
    { slots: 257, slotBytes: 1 },
    { slots: 3, slotBytes: 0 },
    { slots: 3, slotBytes: -5 },
    { slots: 3, slotBytes: 2 ** 53 },
    { slots: 256, slotBytes: 2 ** 30 },
    { slots: 1.5, slotBytes: 10 },
    { slots: NaN, slotBytes: 10 },
  ]) {
    expect(() => FrameRing.create(options), JSON.stringify(options)).toThrow(invalid);
  }
  expect(() => FrameRing.attach(987_654)).toThrow(invalid);
  expect(() => FrameRing.attach('1' as unknown as number)).toThrow(invalid);
});

test('a cancelled write gives its slot back', () => {
  const ring = createRing(1);
  const { slot } = ring.beginWrite(false)!;
  expect(ring.beginWrite(true)).toBeUndefined();
  ring.cancelWrite(slot);
  expect(write(ring, 1)).toBeDefined();
});

test('a closed ring takes nothing new, but holds stay good until they are released', () => {
  const ring = FrameRing.create({ slots: 3, slotBytes: 64 });
  const attached = FrameRing.attach(ring.id);
  write(ring, 1);
  write(ring, 2);
  const lease = ring.takeOldest(1)!;
  attached.close();
  expect(ring.statistics().unread).toBe(1);
  ring.close();
  ring.close();
  expect(() => ring.beginWrite(true)).toThrow(invalid);
  expect(ring.takeNewest(1)).toBeUndefined();
  expect(attached.bytes(lease.slot)[0]).toBe(1);
  const again = attached.retain(lease, 2);
  ring.release(lease);
  attached.release(again);
  expect(() => attached.release(again)).toThrow(invalid);
  expect(() => FrameRing.attach(ring.id)).toThrow(invalid);
  expect(ring.takeOldest(1)).toBeUndefined();
});

test('rings that come and go, and were written to, leave no memory behind', () => {
  const cycle = () => {
    const ring = FrameRing.create({ slots: 3, slotBytes: 10_000_000 });
    const { slot } = ring.beginWrite(false)!;
    ring.bytes(slot).fill(1);
    ring.publish(slot, { ...frame(1), width: 1000, height: 1000, byteLength: 1_000_000 });
    ring.close();
  };
  cycle();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 40; i++) cycle();
  expect(process.memoryUsage.rss() - before).toBeLessThan(90_000_000);
});

/** A thread that takes frames, checks that each is whole, holds some, and releases them. */
const READER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { FrameRing } = await import(workerData.module);
  const ring = FrameRing.attach(workerData.ringId);
  let taken = 0, torn = 0, disorder = 0, last = -1;
  let held;
  for (;;) {
    const lease = ring.takeOldest(workerData.owner);
    if (lease === undefined) {
      if (Atomics.load(workerData.flags, 0) === 1) break;
      Atomics.wait(workerData.flags, 1, 0, 1);
      continue;
    }
    taken++;
    if (lease.sequence <= last) disorder++;
    last = lease.sequence;
    const bytes = ring.bytes(lease.slot);
    const level = lease.sequence & 255;
    for (let i = 0; i < bytes.length; i += 61) if (bytes[i] !== level) { torn++; break; }
    const kept = taken % 3 === 0 ? ring.retain(lease, workerData.owner) : undefined;
    ring.release(lease);
    if (kept !== undefined) {
      if (held !== undefined) ring.release(held);
      held = kept;
    }
  }
  parentPort.postMessage({ taken, torn, disorder });
  if (!workerData.diesHolding && held !== undefined) ring.release(held);
`;

test('two reading threads see every frame once, whole and in order, and lose no slot', async () => {
  const frames = isDeep ? 200_000 : 4_000;
  const ring = createRing(6, 50_000);
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const readers = [11, 12].map((owner) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(READER)}`), {
      workerData: {
        module: new URL('../../../native/index.ts', import.meta.url).href,
        ringId: ring.id,
        owner,
        flags,
        diesHolding: owner === 12,
      },
    });
    const message = new Promise<Record<'taken' | 'torn' | 'disorder', number>>(
      (resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      },
    );
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    return { message, exit };
  });
  let dropped = 0;
  for (let sequence = 0; sequence < frames; sequence++) {
    const begun = ring.beginWrite(true);
    if (begun === undefined) {
      dropped++;
      continue;
    }
    ring.bytes(begun.slot).fill(sequence & 255);
    ring.publish(begun.slot, {
      ...frame(sequence),
      width: 200,
      height: 250,
      byteLength: 50_000,
    });
  }
  // Unread frames are still to be taken before the readers stop.
  while (ring.statistics().unread > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  Atomics.store(flags, 0, 1);
  const results = await Promise.all(readers.map(({ message }) => message));
  await Promise.all(readers.map(({ exit }) => exit));
  const statistics = ring.statistics();
  expect(results.map(({ torn }) => torn)).toEqual([0, 0]);
  expect(results.map(({ disorder }) => disorder)).toEqual([0, 0]);
  const taken = results.reduce((sum, result) => sum + result.taken, 0);
  expect(taken + statistics.overwritten + dropped).toBe(frames);
  expect(statistics.published + dropped).toBe(frames);
  expect(statistics.held).toBe(ring.reclaim(12));
  expect(ring.statistics()).toMatchObject({ free: 6, held: 0, unread: 0, writing: 0 });
}, 300_000);
