import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { MjpegFileCamera } from '../../../component/camera/mjpeg-file-camera.ts';
import {
  cameraSourceSchema,
  type CameraSourceOf,
} from '../../../component/contract/camera-config.ts';

const CLIP = 'samples/clips/walkway.mjpeg';
const never = new AbortController().signal;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-mjpeg-'));
});
afterAll(() => rm(folder, { recursive: true }));

const cameraOf = (file: string, shouldLoop: boolean, maxFrameBytes = 300_000) =>
  new MjpegFileCamera({
    source: cameraSourceSchema.parse({
      kind: 'mjpeg-file',
      path: file,
      shouldLoop,
    }) as CameraSourceOf<'mjpeg-file'>,
    pace: 'fast',
    maxFrameBytes,
  });

async function play(camera: MjpegFileCamera) {
  const slots = new FrameSlots({ slots: 3, slotBytes: 300_000, policy: 'every' });
  const run = camera.run(slots, never).finally(() => slots.end());
  let bytes = 0;
  const sequences: number[] = [];
  for (let lease = await slots.next(never); lease !== undefined; lease = await slots.next(never)) {
    expect(lease).toMatchObject({ format: 'jpeg', width: 768, height: 576 });
    bytes += lease.byteLength;
    sequences.push(lease.sequence);
    slots.release(lease);
  }
  await run.finally(() => slots.close());
  return { bytes, sequences, dropped: slots.framesDropped, delivered: slots.framesDelivered };
}

describe('MjpegFileCamera', () => {
  it('delivers each picture of the real clip, byte for byte, and ends', async () => {
    const { bytes, sequences } = await play(cameraOf(CLIP, false));
    expect(sequences).toEqual(Array.from({ length: 120 }, (_, index) => index));
    expect(bytes).toBe(readFileSync(CLIP).length);
  });

  it('begins again at the end, with numbers that go on', async () => {
    const slots = new FrameSlots({ slots: 3, slotBytes: 300_000, policy: 'every' });
    const stop = new AbortController();
    const run = cameraOf(CLIP, true).run(slots, stop.signal);
    for (let sequence = 0; sequence < 130; sequence += 1) {
      const lease = (await slots.next(never))!;
      expect(lease.sequence).toBe(sequence);
      slots.release(lease);
    }
    stop.abort();
    await run;
    slots.close();
  });

  it('counts damaged and cut pictures and delivers the others', async () => {
    const clip = readFileSync(CLIP);
    const second = clip.indexOf(Buffer.from([0xff, 0xd8, 0xff]), 3);
    const third = clip.indexOf(Buffer.from([0xff, 0xd8, 0xff]), second + 3);
    const file = path.join(folder, 'damaged.mjpeg');
    await writeFile(
      file,
      Buffer.concat([
        Buffer.from('garbage'),
        clip.subarray(0, second),
        clip.subarray(second, third - 500), // cut short
        clip.subarray(0, second),
        clip.subarray(second, third - 2), // the file ends in it
      ]),
    );
    expect(await play(cameraOf(file, false))).toMatchObject({
      sequences: [0, 2],
      dropped: { unreadable: 2 },
      delivered: 4,
    });
  });

  it('counts pictures that are too large', async () => {
    await expect(play(cameraOf(CLIP, false, 1000))).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
    });
  });

  it('says that a file holds no picture', async () => {
    const file = path.join(folder, 'none.mjpeg');
    await writeFile(file, 'no picture at all');
    for (const loop of [true, false]) {
      await expect(play(cameraOf(file, loop))).rejects.toMatchObject({
        message: `file ${file} holds no JPEG picture`,
      });
    }
  });
});
