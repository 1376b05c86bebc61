import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CameraSupervisor } from '../../../component/camera/camera-supervisor.ts';
import { FolderCalls } from '../../../component/camera/folder-calls.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { WatchedFolderCamera } from '../../../component/camera/watched-folder-camera.ts';
import {
  cameraSourceSchema,
  type CameraSourceOf,
} from '../../../component/contract/camera-config.ts';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { FrameLease } from '../../../component/contract/frame.ts';
import { lyingPng } from '../../support/bad-pictures.ts';
import { FrameRing } from '../../../native/index.ts';

const PICTURE = path.resolve('samples/images/brick/good-00.png');
const OTHER = path.resolve('samples/images/brick/defect-00.png');
const SLOT_BYTES = 300_000;

let folder: string;
let slots: FrameSlots;
let supervisor: CameraSupervisor;
let driver: WatchedFolderCamera;
let troubled: VedetteError | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-in-'));
});
afterEach(async () => {
  await supervisor.close();
  slots.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (...names: string[]) => path.join(folder, ...names);
const listed = async (...names: string[]): Promise<string[]> =>
  (await readdir(at(...names)).catch((): string[] => [])).sort();

function watch(values: Record<string, unknown> = {}, slotCount = 3): void {
  const source = cameraSourceSchema.parse({
    kind: 'folder',
    mode: 'watch',
    path: folder,
    settleMs: 40,
    ...values,
  }) as CameraSourceOf<'folder'>;
  driver = new WatchedFolderCamera(source);
  slots = new FrameSlots({
    slots: slotCount,
    slotBytes: SLOT_BYTES,
    policy: 'every',
    onRefused: async (refused) => driver.settle(refused, 'unreadable', refused.error),
    onTrouble: (trouble) => (troubled = trouble),
  });
  supervisor = new CameraSupervisor({
    name: 'station',
    driver,
    slots,
    retry: { firstMs: 20, maximumMs: 50, missingMaximumMs: 50 },
  });
  supervisor.start();
}

const take = async (timeoutMs = 10_000): Promise<FrameLease | undefined> =>
  slots.next(AbortSignal.timeout(timeoutMs));

async function judge(lease: FrameLease | undefined): Promise<string> {
  if (lease === undefined) throw new Error('no frame came');
  await driver.settle(lease, 'judged');
  slots.release(lease);
  return lease.fileName!;
}

/** A handle, whose prototype is that of all others. */
async function fileHandle(): Promise<FileHandle> {
  const handle = await open(PICTURE);
  await handle.close();
  return handle;
}

const isRunning = () => vi.waitFor(() => expect(supervisor.status.state).toBe('running'));
/** Longer than a file takes to settle and the folder to be listed again. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 1300));

describe('WatchedFolderCamera', () => {
  it('runs on an empty folder and takes a picture that is dropped into it', async () => {
    watch();
    await isRunning();
    await copyFile(PICTURE, at('part.png'));
    const lease = (await take())!;
    expect(lease).toMatchObject({ fileName: 'part.png', format: 'png', width: 256, height: 256 });
    const bytes = FrameRing.attach(slots.ringId).bytes(lease.slot).subarray(0, lease.byteLength);
    expect(Buffer.from(bytes).equals(await readFile(PICTURE))).toBe(true);
    await judge(lease);
    expect(await listed('done')).toEqual(['part.png']);
    expect(await listed()).toEqual(['done']);
  });

  it('takes the oldest first, then by name as people count', async () => {
    for (const [name, secondsAgo] of [
      ['b.png', 30],
      ['part-10.png', 20],
      ['part-9.png', 20],
      ['a.png', 10],
    ] as const) {
      await copyFile(PICTURE, at(name));
      const time = Math.floor(Date.now() / 1000) - secondsAgo;
      await utimes(at(name), time, time);
    }
    watch();
    const order: string[] = [];
    for (let index = 0; index < 4; index += 1) order.push(await judge(await take()));
    expect(order).toEqual(['b.png', 'part-9.png', 'part-10.png', 'a.png']);
  });

  it('takes the oldest first of what came together, however long it took to look at each', async () => {
    const names = ['a.png', 'b.png', 'c.png', 'd.png'];
    for (const [index, name] of names.entries()) {
      await copyFile(PICTURE, at(name));
      const time = Math.floor(Date.now() / 1000) - 60 - index;
      await utimes(at(name), time, time);
    }
    const call = FolderCalls.prototype.call;
    let calls = 0;
    // A share that is slow when a folder is opened.
    const slow = vi.spyOn(FolderCalls.prototype, 'call').mockImplementation(async function <T>(
      this: FolderCalls,
      work: () => Promise<T>,
    ) {
      calls += 1;
      if (calls <= 5) await new Promise((resolve) => setTimeout(resolve, 30));
      return call.call(this, work) as Promise<T>;
    });
    onTestFinished(() => slow.mockRestore());
    watch({ settleMs: 200 });
    const order: string[] = [];
    for (let index = 0; index < 4; index += 1) order.push(await judge(await take()));
    expect(order).toEqual(names.toReversed());
  });

  it('waits until a file has stopped growing', async () => {
    watch({ settleMs: 300 });
    const bytes = await readFile(PICTURE);
    const step = Math.ceil(bytes.length / 6);
    for (let from = 0; from < bytes.length; from += step) {
      await appendFile(at('slow.png'), bytes.subarray(from, from + step));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    const lease = (await take())!;
    expect(lease.byteLength).toBe(bytes.length);
    await judge(lease);
    expect(slots.framesDropped).toEqual({});
  });

  it('takes a file that is renamed into place, and leaves unfinished names alone', async () => {
    watch();
    for (const name of ['.hidden.png', '~part.png', 'part.png.tmp', 'notes.txt', 'part.png~']) {
      await copyFile(PICTURE, at(name));
    }
    await mkdir(at('folder.png'));
    await symlink(PICTURE, at('link.png'));
    await rename(at('part.png.tmp'), at('part.png'));
    expect(await judge(await take())).toBe('part.png');
    await quiet();
    expect(slots.framesDelivered).toBe(1);
  });

  it('never reads a file twice, however long its result takes', async () => {
    watch();
    await copyFile(PICTURE, at('part.png'));
    const lease = await take();
    await quiet();
    expect(slots.framesDelivered).toBe(1);
    await judge(lease);
    await quiet();
    expect(slots.framesDelivered).toBe(1);
  });

  it('judges each file once, of many that come while others are judged', async () => {
    watch();
    const count = 80;
    const names = Array.from({ length: count }, (_, index) => `part-${index}.png`);
    const dropping = (async () => {
      for (const [index, name] of names.entries()) {
        // Half by renaming, half by writing in place.
        if (index % 2 === 0) await copyFile(PICTURE, at(name));
        else {
          await copyFile(PICTURE, at(`.${name}`));
          await rename(at(`.${name}`), at(name));
        }
      }
    })();
    const judged: string[] = [];
    while (judged.length < count) {
      judged.push(await judge(await take()));
    }
    await dropping;
    await vi.waitFor(async () => expect(await listed()).toEqual(['done']), 5000);
    expect(new Set(judged)).toEqual(new Set(names));
  });

  it('judges a new file that takes the name of one being judged, and keeps both', async () => {
    watch();
    await copyFile(PICTURE, at('part.png'));
    const first = await take();
    await copyFile(OTHER, at('.new'));
    await rename(at('.new'), at('part.png'));
    await judge(first);
    expect(await listed('done')).toEqual([]);
    expect(await judge(await take())).toBe('part.png');
    await copyFile(PICTURE, at('part.png'));
    expect(await judge(await take())).toBe('part.png');
    const done = await listed('done');
    expect(done).toHaveLength(2);
    expect(done).toContain('part.png');
    expect((await readFile(at('done', 'part.png'))).equals(await readFile(OTHER))).toBe(true);
  });

  it.each([
    ['zero bytes', Buffer.alloc(0), 'IMAGE_CORRUPT', '0 bytes'],
    ['no picture', Buffer.from('hello, this is a text file'), 'IMAGE_FORMAT_UNSUPPORTED', ''],
    ['a JPEG cut in its header', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), 'IMAGE_CORRUPT', ''],
  ])('moves a file of %s to failed/ with the reason beside it', async (_t, bytes, code, text) => {
    watch();
    await writeFile(at('bad.jpg'), bytes);
    await vi.waitFor(async () => expect(await listed('failed')).toHaveLength(2), 10_000);
    expect(await listed('failed')).toEqual(['bad.jpg', 'bad.jpg.json']);
    const reason = JSON.parse(await readFile(at('failed', 'bad.jpg.json'), 'utf8')) as object;
    expect(reason).toMatchObject({
      fileName: 'bad.jpg',
      code,
      message: expect.stringContaining(text) as string,
    });
    expect(slots.framesDropped).toEqual({ unreadable: 1 });
    expect(supervisor.status.state).toBe('running');
  });

  it('moves a file that is too large for a slot to failed/ and goes on', async () => {
    watch();
    await writeFile(at('huge.png'), Buffer.alloc(SLOT_BYTES + 1, 1));
    await vi.waitFor(async () => expect(await listed('failed')).toHaveLength(2), 10_000);
    expect(slots.framesDropped).toEqual({ 'too-large': 1 });
    await copyFile(PICTURE, at('part.png'));
    expect(await judge(await take())).toBe('part.png');
  });

  it('takes a good picture after five whose headers lie about their size', async () => {
    watch();
    for (let index = 0; index < 5; index += 1) {
      await writeFile(at(`lying-${index}.png`), lyingPng(2 ** 31 + 1, 16));
    }
    await vi.waitFor(async () => expect(await listed('failed')).toHaveLength(10), 10_000);
    await copyFile(PICTURE, at('part.png'));
    expect(await judge(await take())).toBe('part.png');
    expect(slots.framesDropped).toEqual({ unreadable: 5 });
  });

  it('moves a picture that could not be decoded to failed/ with the error of the decoder', async () => {
    watch();
    await copyFile(PICTURE, at('part.png'));
    const lease = (await take())!;
    await driver.settle(lease, 'unreadable', new VedetteError('IMAGE_CORRUPT', 'row 7 is damaged'));
    slots.release(lease);
    expect(await readFile(at('failed', 'part.png.json'), 'utf8')).toContain('row 7 is damaged');
  });

  it('takes a PNG that is named .jpg for what it is', async () => {
    watch();
    await copyFile(PICTURE, at('part.jpg'));
    const lease = (await take())!;
    expect(lease.format).toBe('png');
    await judge(lease);
  });

  it('deletes a judged file when asked', async () => {
    watch({ consume: 'delete' });
    await copyFile(PICTURE, at('part.png'));
    await judge(await take());
    expect(await listed()).toEqual([]);
  });

  it('keeps judged files when asked, and judges one again only when it was replaced', async () => {
    watch({ consume: 'keep' });
    await copyFile(PICTURE, at('part.png'));
    await judge(await take());
    await quiet();
    expect(slots.framesDelivered).toBe(1);
    await copyFile(OTHER, at('part.png'));
    expect(await judge(await take())).toBe('part.png');
    expect(await listed()).toEqual(['part.png']);
  });

  it('judges again what was not settled before a restart', async () => {
    watch();
    await copyFile(PICTURE, at('part.png'));
    slots.release((await take())!);
    await supervisor.close();
    slots.close();
    watch();
    expect(await judge(await take())).toBe('part.png');
  });

  it('says that it cannot put a file away, does not judge it again and tries later', async () => {
    watch();
    await writeFile(at('done'), 'a file where a folder should be');
    await copyFile(PICTURE, at('part.png'));
    await expect(judge(await take())).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringContaining('part.png was judged') as string,
    });
    await quiet();
    expect(slots.framesDelivered).toBe(1);
    await rm(at('done'));
    await vi.waitFor(async () => expect(await listed('done')).toEqual(['part.png']), 5000);
  });

  it('keeps a part that the system does not let it read, says so, and judges it later', async () => {
    await mkdir(at('part.d'));
    await copyFile(PICTURE, at('part.d', 'part.png'));
    const reading = vi.spyOn(Object.getPrototypeOf(await fileHandle()) as FileHandle, 'stat');
    reading.mockRejectedValue(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }));
    watch();
    await rename(at('part.d', 'part.png'), at('part.png'));
    await vi.waitFor(() => expect(troubled?.code).toBe('CAMERA_SOURCE_FAILED'), 15_000);
    expect(troubled!.message).toContain('part.png cannot be read: EIO');
    expect(supervisor.status.state).toBe('running');
    expect(await listed('failed')).toEqual([]);
    expect(slots.framesDelivered).toBe(0);
    reading.mockRestore();
    expect(await judge(await take(20_000))).toBe('part.png');
    await vi.waitFor(() => expect(troubled).toBeUndefined(), 5000);
    expect(slots.framesDropped).toEqual({});
  }, 40_000);

  it('leaves a part that does not fit the settings of its camera, and judges it after a restart', async () => {
    watch();
    await copyFile(PICTURE, at('part.png'));
    const lease = (await take())!;
    await driver.settle(lease, 'misfit', new VedetteError('FRAME_INVALID', 'region'));
    slots.release(lease);
    await quiet();
    expect(slots.framesDelivered).toBe(1);
    expect(await listed()).toEqual(['part.png']);
    await supervisor.close();
    slots.close();
    watch();
    expect(await judge(await take())).toBe('part.png');
  });

  it('is reconnecting while its folder is gone and comes back with it', async () => {
    watch();
    await isRunning();
    await rm(folder, { recursive: true });
    await vi.waitFor(() => expect(supervisor.status.state).toBe('reconnecting'), 5000);
    expect(supervisor.status.reason).toMatchObject({
      code: 'CAMERA_SOURCE_MISSING',
      message: `folder ${folder} does not exist`,
    });
    await mkdir(folder);
    await copyFile(PICTURE, at('part.png'));
    expect(await judge(await take())).toBe('part.png');
    expect(supervisor.status.state).toBe('running');
  });

  it('waits with the rest when the slots are full, and forgets none', async () => {
    for (let index = 0; index < 12; index += 1) await copyFile(PICTURE, at(`part-${index}.png`));
    watch();
    await vi.waitFor(() => expect(slots.isWaitingForReader).toBe(true), 5000);
    const judged: string[] = [];
    for (let index = 0; index < 12; index += 1) judged.push(await judge(await take()));
    expect(new Set(judged).size).toBe(12);
    expect(slots.framesDropped).toEqual({});
  });
});
