import { describe, expect, it } from 'vitest';
import { isMatch, isOverlap } from '../../../component/delivery/topic-filter.ts';

describe('a topic filter', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', 'a/b', true],
    ['#', '$aws/a', false],
    ['+/a', '$aws/a', false],
    ['$aws/#', '$aws/a', true],
    ['a/+', 'a/$b', true],
  ])('%s, held against %s: %s', (filter, topic, expected) => {
    expect(isMatch(filter, topic)).toBe(expected);
  });

  it('overlaps another where there is a topic that matches both, and nowhere else', () => {
    const paths = (levels: readonly string[], depth: number): string[] =>
      depth === 1
        ? [...levels]
        : [
            ...levels,
            ...paths(levels, depth - 1).flatMap((end) => levels.map((one) => `${one}/${end}`)),
          ];
    const topics = paths(['a', 'b', '$c'], 4);
    const filters = paths(['a', 'b', '$c', '+', '#'], 3).filter((one) => !/#\//.test(one));
    for (const one of filters) {
      const matching = topics.filter((topic) => isMatch(one, topic));
      for (const other of filters) {
        const isShared = matching.some((topic) => isMatch(other, topic));
        if (isOverlap(one, other) !== isShared) expect.fail(`${one} and ${other}: ${isShared}`);
      }
    }
  });
});
