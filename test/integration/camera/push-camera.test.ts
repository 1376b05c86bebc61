import { readFileSync } from 'node:fs';
import { lyingPng } from '../../support/bad-pictures.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { PushCamera } from '../../../component/camera/push-camera.ts';

const never = new AbortController().signal;
const picture = readFileSync('samples/images/brick/good-00.png');
let slots: FrameSlots;
let camera: PushCamera;
let stop: AbortController;
let run: Promise<void>;

beforeEach(() => {
  slots = new FrameSlots({ slots: 3, slotBytes: 300_000, policy: 'every' });
  camera = new PushCamera('station');
  stop = new AbortController();
  run = camera.run(slots, stop.signal);
});
afterEach(async () => {
  stop.abort();
  await run;
  slots.close();
});

const push = (data: Uint8Array) => camera.push(data, { signal: never, onSequence: () => {} });

describe('PushCamera', () => {
  it('tells the number of a frame before anybody can take it', async () => {
    const known: number[] = [];
    const reading = slots.next(never).then((lease) => {
      expect(known).toEqual([lease!.sequence]);
      return lease!;
    });
    const sequence = await camera.push(picture, {
      signal: never,
      onSequence: (value) => known.push(value),
    });
    const lease = await reading;
    expect(lease).toMatchObject({ sequence, format: 'png', width: 256 });
    slots.release(lease);
  });

  it('keeps the order of what is pushed at once, and waits for slots', async () => {
    const pushing = Array.from({ length: 12 }, () => push(picture));
    for (let sequence = 0; sequence < 12; sequence += 1) {
      const lease = (await slots.next(never))!;
      expect(lease.sequence).toBe(sequence);
      slots.release(lease);
    }
    expect(await Promise.all(pushing)).toEqual(Array.from({ length: 12 }, (_, index) => index));
  });

  it('refuses more than may wait, without counting them', async () => {
    const pushing = Array.from({ length: 40 }, () => push(picture));
    const ends = Promise.allSettled(pushing);
    await expect(pushing[39]).rejects.toMatchObject({ code: 'OVERLOADED' });
    stop.abort();
    const codes = (await ends)
      .filter((end) => end.status === 'rejected')
      .map((end) => (end.reason as { code: string }).code);
    expect(codes.filter((code) => code === 'OVERLOADED').length).toBe(24);
    expect(slots.framesDelivered).toBe(16);
    expect(slots.framesWaiting + slots.framesDropped.stopped!).toBe(16);
  });

  it('refuses what is no picture or too large, and counts it', async () => {
    await expect(push(Buffer.from('no picture'))).rejects.toMatchObject({
      code: 'IMAGE_FORMAT_UNSUPPORTED',
    });
    await expect(push(new Uint8Array(0))).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
    const large = Buffer.concat([picture, Buffer.alloc(300_000)]);
    await expect(push(large)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect(slots.framesDropped).toEqual({ unreadable: 2, 'too-large': 1 });
  });

  it('takes the next good picture after five whose headers lie about their size', async () => {
    const lying = lyingPng(2 ** 31 + 1, 16);
    for (let index = 0; index < 5; index += 1) {
      const known: number[] = [];
      const pushed = camera.push(lying, {
        signal: never,
        onSequence: (value) => known.push(value),
      });
      await expect(pushed).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
      expect(known).toEqual([]);
    }
    expect(await push(picture)).toBe(5);
    expect(slots.framesDropped).toEqual({ unreadable: 5 });
  });

  it('gives up waiting when the one who pushes goes away', async () => {
    for (let index = 0; index < 3; index += 1) await push(picture);
    const gone = new AbortController();
    const waiting = camera.push(picture, { signal: gone.signal, onSequence: () => {} });
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(slots.framesDropped).toEqual({ stopped: 1 });
  });

  it('refuses pictures while it does not run', async () => {
    stop.abort();
    await run;
    await expect(push(picture)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
