import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CameraSupervisor } from '../../../component/camera/camera-supervisor.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { WatchedFolderCamera } from '../../../component/camera/watched-folder-camera.ts';
import {
  cameraSourceSchema,
  type CameraSourceOf,
} from '../../../component/contract/camera-config.ts';
import { openFolderTrigger } from '../../../component/pipeline/triggers/folder-trigger.ts';
import { hasSilentFolders, SilentFolder } from '../../support/silent-folder.ts';

const PICTURE = path.resolve('samples/images/brick/good-00.png');
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

function watch(folder: string) {
  const source = cameraSourceSchema.parse({
    ...{ kind: 'folder', mode: 'watch', path: folder, settleMs: 40 },
  }) as CameraSourceOf<'folder'>;
  const driver = new WatchedFolderCamera(source);
  const slots = new FrameSlots({ slots: 2, slotBytes: 300_000, policy: 'every' });
  const supervisor = new CameraSupervisor({ name: 'station', driver, slots });
  closing.push(async () => {
    await supervisor.close();
    slots.close();
  });
  supervisor.start();
  const becomes = (state: string) =>
    vi.waitFor(() => expect(supervisor.status.state).toBe(state), 10_000);
  return { driver, slots, supervisor, becomes };
}

function trigger(folder: string) {
  const said: string[] = [];
  const source = openFolderTrigger(
    { kind: 'folder', camera: 'station', isEnabled: true, path: folder, suffix: '', pollMs: 20 },
    {
      fire: ({ context }) => said.push(`fire ${String(context?.['fileName'])}`),
      refuse: () => undefined,
      listening: () => said.at(-1) === 'listening' || said.push('listening'),
      lost: (error) => said.push(`lost ${error.code} ${error.message}`),
    },
  );
  closing.push(() => source.close());
  const says = (what: RegExp) => vi.waitFor(() => expect(said.at(-1)).toMatch(what), 10_000);
  return { source, said, says };
}

/** From now on time passes twenty times as fast for who asks how long something took. */
function hurry(): void {
  const now = performance.now.bind(performance);
  const startMs = now();
  vi.spyOn(performance, 'now').mockImplementation(() => startMs + (now() - startMs) * 20);
}

describe.skipIf(!hasSilentFolders())('a share whose server is gone', () => {
  it('is told of by the camera and the trigger that wait for it, which go on when it answers', async () => {
    const share = await SilentFolder.mount();
    closing.push(() => share.close());
    const local = await mkdtemp(path.join(tmpdir(), 'vedette-local-'));
    closing.push(() => rm(local, { recursive: true }));
    const camera = watch(share.path);
    const jobs = trigger(share.path);
    const other = trigger(share.path);
    const healthy = watch(local);
    await Promise.all([camera.becomes('running'), healthy.becomes('running')]);
    await Promise.all([jobs.says(/^listening/), other.says(/^listening/)]);

    share.fallSilent();
    hurry();
    await camera.becomes('reconnecting');
    await Promise.all([
      jobs.says(/^lost TRIGGER_FOLDER_UNREADABLE .*(not answered|not looked at)/),
      other.says(/^lost TRIGGER_FOLDER_UNREADABLE .*(not answered|not looked at)/),
      healthy.becomes('reconnecting'),
    ]);
    expect(camera.supervisor.status.reason).toMatchObject({ code: 'CAMERA_SOURCE_FAILED' });
    // Two calls hang, as many as may: threads are left for the files of everybody else.
    expect(healthy.supervisor.status.reason?.message).toContain('it is not looked at');
    expect((await readFile(PICTURE)).length).toBeGreaterThan(0);
    await other.source.close();
    await copyFile(PICTURE, share.behind('part.png'));

    share.answer();
    await Promise.all([camera.becomes('running'), healthy.becomes('running')]);
    await jobs.says(/^listening/);
    const lease = (await camera.slots.next(AbortSignal.timeout(10_000)))!;
    expect(lease.fileName).toBe('part.png');
    await camera.driver.settle(lease, 'judged');
    camera.slots.release(lease);
    await copyFile(PICTURE, share.behind('next.png'));
    await vi.waitFor(() => expect(jobs.said).toContain('fire next.png'), 10_000);
  });

  it('keeps neither the camera nor the judged file waiting for ever', async () => {
    const share = await SilentFolder.mount();
    closing.push(() => share.close());
    await copyFile(PICTURE, share.behind('part.png'));
    const camera = watch(share.path);
    const lease = (await camera.slots.next(AbortSignal.timeout(10_000)))!;
    share.fallSilent();
    hurry();
    await expect(camera.driver.settle(lease, 'judged')).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringMatching(/part.png was judged and cannot be put away .*not answered/),
    });
    camera.slots.release(lease);
    share.answer();
    await camera.becomes('running');
    await vi.waitFor(() => readFile(share.behind('done/part.png')), 10_000);
    share.fallSilent();
    // Its call hangs by now, or will.
    await camera.supervisor.close();
  });
});
