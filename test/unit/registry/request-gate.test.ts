import { expect, it } from 'vitest';
import { RequestGate } from '../../../component/registry/request-gate.ts';

it('lets a bounded number through, keeps the order of the others and refuses the rest', async () => {
  const gate = new RequestGate(2, 2, 'Tests');
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const run = (number: number) =>
    gate.run(() => {
      begun.push(number);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  const first = [run(1), run(2), run(3), run(4)];
  await expect(run(5)).rejects.toMatchObject({
    code: 'OVERLOADED',
    message: 'Tests: 2 are under way and 2 wait; no more are taken',
  });
  expect([gate.inFlight, gate.waiting]).toEqual([2, 2]);
  expect(begun).toEqual([1, 2]);
  ends[1]?.();
  await first[1];
  await Promise.resolve();
  expect(begun).toEqual([1, 2, 3]);
  ends[0]?.();
  ends[2]?.();
  await first[2];
  await Promise.resolve();
  ends[3]?.();
  await Promise.all(first);
  await gate.idle();
  expect([gate.inFlight, gate.waiting]).toEqual([0, 0]);
});

it('frees the place of a request that failed', async () => {
  const gate = new RequestGate(1, 0, 'Tests');
  await expect(gate.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(gate.run(() => Promise.resolve('yes'))).resolves.toBe('yes');
});

it('is idle only when everything has ended', async () => {
  const gate = new RequestGate(1, 1, 'Tests');
  let ended = 0;
  const end = async () => {
    await Promise.resolve();
    ended += 1;
  };
  void gate.run(end);
  void gate.run(end);
  await gate.idle();
  expect(ended).toBe(2);
});
