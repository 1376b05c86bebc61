import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CameraSupervisor } from '../../../component/camera/camera-supervisor.ts';
import { FolderCamera } from '../../../component/camera/folder-camera.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import {
  cameraSourceSchema,
  type CameraSourceOf,
} from '../../../component/contract/camera-config.ts';

const PICTURE = 'samples/images/brick/good-00.png';
const never = new AbortController().signal;
let folder: string;
let slots: FrameSlots;
let drops: string[];
const at = (name: string) => path.join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-folder-'));
  drops = [];
  slots = new FrameSlots({
    slots: 3,
    slotBytes: 300_000,
    policy: 'every',
    onDrop: (reason, _count, error) => drops.push(`${reason} ${error?.message}`),
  });
});
afterEach(async () => {
  slots.close();
  await rm(folder, { recursive: true, force: true });
});

const cameraOf = (mode: 'loop' | 'once', source = folder) =>
  new FolderCamera({
    source: cameraSourceSchema.parse({
      kind: 'folder',
      path: source,
      mode,
    }) as CameraSourceOf<'folder'>,
    pace: 'fast',
  });

async function names(count: number): Promise<string[]> {
  const read: string[] = [];
  while (read.length < count) {
    const lease = await slots.next(AbortSignal.timeout(10_000));
    if (lease === undefined) break;
    read.push(lease.fileName!);
    slots.release(lease);
  }
  return read;
}

describe('FolderCamera', () => {
  it('plays the pictures by name, again and again, and takes up new ones', async () => {
    for (const name of ['p10.png', 'p2.png', 'notes.txt']) await copyFile(PICTURE, at(name));
    const stop = new AbortController();
    const run = cameraOf('loop').run(slots, stop.signal);
    expect(await names(4)).toEqual(['p2.png', 'p10.png', 'p2.png', 'p10.png']);
    await copyFile(PICTURE, at('p3.png'));
    expect(await names(9)).toContain('p3.png');
    stop.abort();
    await run;
    expect((await readdir(folder)).sort()).toEqual(['notes.txt', 'p10.png', 'p2.png', 'p3.png']);
  });

  it('plays the real sample pictures one time and ends', async () => {
    const camera = cameraOf('once', 'samples/images/brick');
    expect(camera.endsForGood).toBe(true);
    const run = camera.run(slots, never).then(() => slots.end());
    const read = await names(100);
    await run;
    expect(read).toHaveLength(24);
    expect(read.slice(0, 2)).toEqual(['defect-00.png', 'defect-01.png']);
    expect(slots.framesDropped).toEqual({});
  });

  it('counts what is no picture, says why, and goes on', async () => {
    await copyFile(PICTURE, at('good.png'));
    await writeFile(at('empty.jpg'), '');
    await writeFile(at('text.jpg'), 'no picture');
    await writeFile(at('huge.jpg'), Buffer.alloc(300_001, 1));
    const run = cameraOf('once')
      .run(slots, never)
      .then(() => slots.end());
    expect(await names(10)).toEqual(['good.png']);
    await run;
    expect(slots.framesDropped).toEqual({ unreadable: 2, 'too-large': 1 });
    expect(slots.framesDelivered).toBe(4);
    expect(drops[0]).toMatch(/^unreadable empty.jpg: it is empty/);
    expect(drops.find((drop) => drop.includes('text.jpg'))).toBeDefined();
  });

  it('fails with a reason in place of spinning when nothing in the folder can be read', async () => {
    for (const make of [() => Promise.resolve(), () => writeFile(at('bad.jpg'), 'x')]) {
      await make();
      await expect(cameraOf('loop').run(slots, never)).rejects.toMatchObject({
        code: 'CAMERA_SOURCE_FAILED',
        message: expect.stringContaining('holds no picture') as string,
      });
    }
  });

  it('comes back by itself after its folder was away, and says meanwhile why it does not run', async () => {
    await copyFile(PICTURE, at('a.png'));
    const changes: string[] = [];
    const supervisor = new CameraSupervisor({
      name: 'wall',
      driver: cameraOf('loop'),
      slots,
      onChange: ({ state, reason }) => changes.push(`${state} ${reason?.code ?? ''}`.trim()),
      retry: { firstMs: 10, missingMaximumMs: 20 },
    });
    supervisor.start();
    expect(await names(2)).toEqual(['a.png', 'a.png']);
    await rm(folder, { recursive: true });
    const reading = names(10_000);
    await vi.waitFor(() => expect(supervisor.status.reason?.code).toBe('CAMERA_SOURCE_MISSING'));
    await vi.waitFor(() => expect(supervisor.status.restarts).toBeGreaterThan(3));
    const { mkdir } = await import('node:fs/promises');
    await mkdir(folder);
    await copyFile(PICTURE, at('b.png'));
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 5000);
    await supervisor.close();
    slots.close();
    await reading;
    expect(changes.filter((change) => change.includes('MISSING'))).toHaveLength(1);
  });
});
