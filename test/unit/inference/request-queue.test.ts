import { expect, test } from 'vitest';
import { RequestQueue } from '../../../component/inference/request-queue.ts';
import type { Lane } from '../../../component/inference/request-queue.ts';

const item = (lane: Lane, name: string) => ({ lane, name });
const names = (items: readonly { name: string }[]) => items.map(({ name }) => name).join(' ');

test('serves each lane in order, and the lanes in turns', () => {
  const queue = new RequestQueue<ReturnType<typeof item>>(10);
  for (const name of ['r1', 'r2', 'r3', 'r4']) queue.push(item('request', name));
  for (const name of ['f1', 'f2']) queue.push(item('frame', name));
  expect(queue.length).toBe(6);
  expect(names(queue.drain())).toBe('f1 r1 f2 r2 r3 r4');
  expect(queue.length).toBe(0);
  expect(queue.shift()).toBe(undefined);
});

test('limits requests, not frames', () => {
  const queue = new RequestQueue<ReturnType<typeof item>>(2);
  for (const name of ['r1', 'r2']) queue.push(item('request', name));
  for (const name of ['f1', 'f2', 'f3']) queue.push(item('frame', name));
  expect(queue.isFull('request')).toBe(true);
  expect(queue.isFull('frame')).toBe(false);
});

test('forgets what is removed', () => {
  const queue = new RequestQueue<ReturnType<typeof item>>(2);
  const gone = item('request', 'r1');
  queue.push(gone);
  queue.push(item('request', 'r2'));
  expect(queue.remove(gone)).toBe(true);
  expect(queue.remove(gone)).toBe(false);
  expect(names(queue.drain())).toBe('r2');
});
