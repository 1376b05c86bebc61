import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { piecesOf, shadowChange, withChange } from '../../../component/control/shadow-diff.ts';
import { merged } from '../../support/nucleus/shadow-document.ts';

const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.array(fc.integer()));
const name = fc.constantFrom('a', 'b', 'c', 'd');
const filled = { minKeys: 1, maxKeys: 3 };
const tree = fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf, filled)), { maxKeys: 4 });

describe('a change of the shadow', () => {
  test('makes of what was there what is wanted, in the service as here, and nothing of the same', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const change = shadowChange(before, after) ?? {};
        const here = withChange(before, change);
        expect(shadowChange(here, after)).toBeUndefined();
        const there = merged(before, change);
        expect(shadowChange(there, after)).toBeUndefined();
        expect(shadowChange(after, after)).toBeUndefined();
      }),
    );
  });

  test('in pieces is the same change, each piece within its bytes', () => {
    fc.assert(
      fc.property(tree, tree, fc.integer({ min: 60, max: 200 }), (before, after, bytes) => {
        const change = shadowChange(before, after) as Record<string, unknown> | undefined;
        if (change === undefined) return;
        const pieces = piecesOf(change, bytes);
        const done = pieces.reduce<unknown>((state, piece) => withChange(state, piece), before);
        expect(shadowChange(done, after)).toBeUndefined();
        for (const piece of pieces) {
          const isSingle = /^(\{"\w":)+[^{]*$/.test(JSON.stringify(piece));
          expect(isSingle || JSON.stringify(piece).length <= bytes).toBe(true);
        }
      }),
    );
  });
});
