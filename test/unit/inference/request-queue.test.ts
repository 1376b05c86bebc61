import { expect, test } from 'vitest';
import { RequestQueue } from '../../../component/inference/request-queue.ts';
import type { Queued, RequestSource } from '../../../component/inference/request-queue.ts';

interface Item extends Queued {
  readonly name: string;
}
const item = (source: RequestSource, name: string, cost = 1, heldBytes = 0): Item => ({
  source,
  name,
  cost,
  heldBytes,
});
const names = (items: readonly Item[]) => items.map(({ name }) => name).join(' ');
const queueOf = (requests = 10, bytes = 1000) => new RequestQueue<Item>({ requests, bytes });

test('serves each source in order, and sources in turns', () => {
  const queue = queueOf();
  for (const name of ['r1', 'r2', 'r3', 'r4']) queue.push(item('requests', name));
  for (const name of ['a1', 'a2']) queue.push(item('ring-1', name));
  queue.push(item('ring-2', 'b1'));
  expect([queue.length, queue.cost]).toEqual([7, 7]);
  expect(queue.peek()?.name).toBe('r1');
  expect(names(queue.drain())).toBe('r1 a1 b1 r2 a2 r3 r4');
  expect([queue.length, queue.cost]).toEqual([0, 0]);
  expect([queue.shift(), queue.peek()]).toEqual([undefined, undefined]);
});

test('a source whose jobs cost more gets as many pictures as the others, not as many jobs', () => {
  const queue = queueOf(100);
  for (let i = 0; i < 4; i += 1) queue.push(item('ring-1', `A${i}`, 10));
  for (let i = 0; i < 25; i += 1) queue.push(item('requests', `r${i}`));
  const order = queue.drain().map(({ name }) => name[0]);
  expect(order.join('')).toBe(`Ar${'r'.repeat(9)}A${'r'.repeat(10)}A${'r'.repeat(5)}A`);
});

test('a source that always refills waits its share also when its line runs empty in between', () => {
  const queue = queueOf();
  queue.push(item('ring-2', 'b0'));
  queue.push(item('ring-2', 'b1'));
  queue.push(item('ring-2', 'b2'));
  queue.push(item('ring-1', 'A0', 5));
  const order: string[] = [];
  for (let turn = 0; turn < 7; turn += 1) {
    const next = queue.shift()!;
    order.push(next.name);
    // Each camera has the next frame as soon as it hears of the one before.
    queue.push(next.source === 'ring-1' ? item('ring-1', 'A', 5) : item('ring-2', 'b'));
  }
  expect(order.join(' ')).toBe('b0 A0 b1 b2 b b b');
});

test('a source that was silent saves up no turns', () => {
  const queue = queueOf();
  for (let i = 0; i < 6; i += 1) queue.push(item('ring-1', `a${i}`));
  expect([queue.shift()?.name, queue.shift()?.name, queue.shift()?.name]).toEqual([
    'a0',
    'a1',
    'a2',
  ]);
  for (const name of ['b0', 'b1', 'b2']) queue.push(item('ring-2', name));
  expect(names(queue.drain())).toBe('b0 a3 b1 a4 b2 a5');
});

/** The slow source's own queue is empty when it asks: what is before it then. */
test('a slow source waits for at most one job of each other source, whatever they ask', () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let round = 0; round < 200; round += 1) {
    const queue = queueOf(10_000, 1e9);
    const others = 1 + random(8);
    const add = (source: number) => {
      queue.push(
        item(source === 0 ? 'requests' : `ring-${source}`, `fast-${source}`, 1 + random(20)),
      );
    };
    for (let i = 0; i < 100; i += 1) add(random(others));
    for (let i = 0; i < 50; i += 1) {
      queue.shift();
      add(random(others));
    }
    queue.push(item('ring-99', 'slow'));
    const before: string[] = [];
    for (let next = queue.shift()!; next.name !== 'slow'; next = queue.shift()!) {
      before.push(next.name);
      add(random(others));
    }
    expect(new Set(before).size, `round ${round}: ${before.join(' ')}`).toBe(before.length);
  }
});

test('limits requests by number and by memory, not frames', () => {
  const queue = queueOf(2, 100);
  queue.push(item('requests', 'r1', 1, 60));
  expect(queue.whyFull(item('requests', 'r2', 1, 41))).toBe('bytes');
  expect(queue.whyFull(item('requests', 'r2', 1, 40))).toBe(undefined);
  queue.push(item('requests', 'r2', 1, 40));
  expect(queue.whyFull(item('requests', 'r3'))).toBe('count');
  for (const name of ['a1', 'a2', 'a3']) queue.push(item('ring-1', name, 1, 900));
  expect(queue.whyFull(item('ring-1', 'a4', 1, 900))).toBe(undefined);
  queue.shift();
  expect(queue.whyFull(item('requests', 'r3', 1, 60))).toBe(undefined);
});

test('a request beyond the limit of memory may wait when no other does', () => {
  const queue = queueOf(2, 100);
  expect(queue.whyFull(item('requests', 'r1', 1, 5000))).toBe(undefined);
  queue.push(item('requests', 'r1', 1, 5000));
  expect(queue.whyFull(item('requests', 'r2', 1, 1))).toBe('bytes');
});

test('forgets what is removed', () => {
  const queue = queueOf(2);
  const gone = item('requests', 'r1', 3, 7);
  queue.push(gone);
  queue.push(item('requests', 'r2'));
  expect(queue.remove(gone)).toBe(true);
  expect(queue.remove(gone)).toBe(false);
  expect([queue.length, queue.cost]).toEqual([1, 1]);
  expect(names(queue.drain())).toBe('r2');
});
