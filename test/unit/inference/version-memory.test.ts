import { expect, test } from 'vitest';
import { VersionMemory } from '../../../component/inference/versions/version-memory.ts';
import { HeldVersionStore } from '../../support/version-host.ts';

const candidate = { package: 'b@2.0.0', mode: 'canary' as const, cameras: ['left'], sinceMs: 5 };

function remembering() {
  const store = new HeldVersionStore(undefined, []);
  return { store, memory: new VersionMemory(store, '/first') };
}

test('a change begins with what the one before it left, however long that takes', async () => {
  const { store, memory } = remembering();
  const write = store.hold();
  const swap = memory.save({ activePackage: 'b@2.0.0' });
  const pin = memory.save({ isPinned: true });
  await write.asked;
  write.release();
  await Promise.all([swap, pin]);
  expect(store.kept).toMatchObject({ activePackage: 'b@2.0.0', isPinned: true });
});

test('a change that cannot be written takes no effect, and keeps up none behind it', async () => {
  const { store, memory } = remembering();
  const write = store.hold();
  const swap = memory.save({ activePackage: 'b@2.0.0' });
  const pin = memory.save({ isPinned: true });
  write.refuse(new Error('disk full'));
  await expect(swap).rejects.toThrow('disk full');
  await pin;
  expect(store.kept).toMatchObject({ activePackage: '/first', isPinned: true });
});

test('what is so already and cannot be written is written with the next change', async () => {
  const { store, memory } = remembering();
  await memory.save({ candidate });
  const write = store.hold();
  const correction = memory.correct(() => ({ candidate: undefined }));
  await write.asked;
  write.refuse(new Error('disk full'));
  await expect(correction).rejects.toThrow('disk full');
  expect(store.kept?.candidate).toEqual(candidate);
  await memory.save({ isPinned: true });
  expect(store.kept).toMatchObject({ isPinned: true });
  expect(store.kept?.candidate).toBeUndefined();
});
