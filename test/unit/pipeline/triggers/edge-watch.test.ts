import { expect, it } from 'vitest';
import { EdgeWatch } from '../../../../component/pipeline/triggers/edge-watch.ts';

const seen = (watch: EdgeWatch, values: readonly number[]) =>
  values.flatMap((value, index) => (watch.see(value) ? [index] : []));

it('an edge is a change in its direction, and the first value is none', () => {
  const values = [1, 0, 0, 1, 1, 5, 2];
  expect(seen(new EdgeWatch('rising', 0), values)).toEqual([3, 5]);
  expect(seen(new EdgeWatch('falling', 0), values)).toEqual([1, 6]);
  expect(seen(new EdgeWatch('change', 0), values)).toEqual([1, 3, 5, 6]);
});

it('a change that nobody saw is no edge', () => {
  const watch = new EdgeWatch('rising', 0);
  expect(seen(watch, [0, 1, 0])).toEqual([1]);
  watch.lose();
  expect(seen(watch, [1, 0, 1])).toEqual([2]);
});

it('edges within the hold-off do not count, and do not prolong it', () => {
  let nowMs = 0;
  const watch = new EdgeWatch('rising', 100, () => nowMs);
  const edges: number[] = [];
  for (; nowMs < 400; nowMs += 20) {
    watch.see(0);
    if (watch.see(1)) edges.push(nowMs);
  }
  expect(edges).toEqual([0, 100, 200, 300]);
});
