import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { FramePipe } from '../../../component/camera/frame-pipe.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { SharedCamera } from '../../../component/camera/shared-camera.ts';
import { SourceBoard, type SharedSource } from '../../../component/camera/source-board.ts';
import { FrameRing } from '../../../native/index.ts';

const SIZE = { width: 640, height: 480 };
const BYTES = SIZE.width * SIZE.height * 3;
const FRAMES = process.env['VEDETTE_DEEP'] === '1' ? 5000 : 300;
/** Frames of which each byte is their number, as fast as the pipe takes them. */
const WRITER = `for (let i = 0; i < ${FRAMES}; i++) {
  const frame = Buffer.alloc(${BYTES}, i % 251);
  for (let at = 0; at < frame.length; ) at += require('fs').writeSync(1, frame, at);
}`;

const opened: FrameSlots[] = [];
const openSlots = () => {
  const slots = new FrameSlots({ slots: 4, slotBytes: BYTES, policy: 'newest' });
  opened.push(slots);
  return slots;
};
afterEach(() => {
  for (const slots of opened.splice(0)) slots.close();
});

it('no frame is torn that is shared while a native thread overwrites what was not read, and none is uncounted', async () => {
  const [source, target] = [openSlots(), openSlots()];
  const board = new SourceBoard();
  board.offer('gate', () => ({ status: { state: 'running' }, frames: source.shared }));
  const stop = new AbortController();
  const run = new SharedCamera('gate', board).run(target, stop.signal);
  const pipe = new FramePipe(source, { ...SIZE, format: 'rgb24', isY4m: false }, 0);
  const writer = spawn(process.execPath, ['-e', WRITER], { stdio: ['ignore', pipe.writeFd, 2] });
  pipe.closeWriteEnd();
  const ring = FrameRing.attach(target.ringId);
  let isOver = false;
  let read = 0;
  const reading = (async () => {
    while (!isOver) {
      const lease = await target.next(AbortSignal.timeout(200));
      if (lease === undefined) continue;
      const bytes = Buffer.from(ring.bytes(lease.slot).subarray(0, lease.byteLength));
      expect(bytes.equals(Buffer.alloc(BYTES, lease.sequence % 251))).toBe(true);
      read += 1;
      target.release(lease);
    }
  })();
  await Promise.all([once(writer, 'exit'), pipe.ended]);
  pipe.close();
  while (target.framesDelivered < FRAMES) await nextTurn();
  isOver = true;
  await reading;
  stop.abort();
  await run;
  expect(read).toBeGreaterThan(0);
  expect(target.framesDelivered).toBe(source.framesDelivered);
  const dropped = Object.values(target.framesDropped).reduce((sum, count) => sum + count, 0);
  expect(target.framesTaken + target.framesWaiting + dropped).toBe(FRAMES);
});

it('says what the other camera says with its name, and goes on with the frame that brought it back', async () => {
  const [source, target] = [openSlots(), openSlots()];
  const board = new SourceBoard();
  let status: SharedSource['status'] = { state: 'running' };
  board.offer('gate', () => ({ status, frames: source.shared }));
  const change = (to: SharedSource['status']) => {
    status = to;
    board.tellChanged('gate');
  };
  const stop = new AbortController();
  const publish = async (sequence: number) => {
    const writer = (await source.openSlot(3, stop.signal))!;
    const frame = { format: 'rgb24', width: 1, height: 1, byteLength: 3 } as const;
    writer.publish({ ...frame, sequence, capturedAtMs: Date.now() });
  };
  const driver = new SharedCamera('gate', board);
  const first = driver.run(target, stop.signal);
  await publish(0);
  expect((await target.next(stop.signal))?.sequence).toBe(0);

  change({ state: 'stalled', reason: { code: 'CAMERA_SOURCE_FAILED', message: 'no frame' } });
  const message = 'camera gate, whose frames it gets, is stalled: no frame';
  await expect(first).rejects.toMatchObject({ code: 'CAMERA_SOURCE_FAILED', message });
  const back = driver.untilBack(stop.signal);
  await publish(1);
  change({ state: 'running' });
  await back;
  const second = driver.run(target, stop.signal);
  expect((await target.next(stop.signal))?.sequence).toBe(1);

  change({ state: 'ended' });
  await second;
  expect(driver.endsForGood).toBe(true);
});
