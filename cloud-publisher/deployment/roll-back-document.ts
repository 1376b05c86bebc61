import { isDeepStrictEqual } from 'node:util';
import type { DeployedComponents, DeploymentDocument } from '../greengrass/deployment-gateway.ts';
import { mergeOf } from './apply-component-set.ts';
import { firstAbsent, leavesOf, parentOf } from './json-pointer.ts';

const MAX_POINTERS = 50;
const MAX_POINTER_CHARACTERS = 256;

/**
 * The document that takes devices back to what they had. The old one alone would leave behind what the
 * new one merged, since a device keeps its configuration: those pointers are reset, then the old merge
 * comes again.
 */
export function rollBackDocument(
  base: DeploymentDocument,
  applied: DeployedComponents,
): DeploymentDocument {
  const components = Object.fromEntries(
    Object.entries(base.components).map(([component, before]) => {
      const after = applied[component];
      if (!after || isDeepStrictEqual(before, after)) return [component, before];
      const oldMerge = mergeOf(component, before) ?? {};
      const old = leavesOf(oldMerge);
      // Not the leaf alone: an object that is left empty is another configuration than none.
      const merged = [...leavesOf(mergeOf(component, after))].flatMap(([pointer, value]) =>
        isDeepStrictEqual(old.get(pointer), value) ? [] : firstAbsent(oldMerge, pointer),
      );
      const reset = folded(merged);
      const merge = before.configurationUpdate?.merge;
      if (reset.length === 0) return [component, before];
      const configurationUpdate = { ...(merge === undefined ? {} : { merge }), reset };
      return [component, { ...before, configurationUpdate }];
    }),
  );
  return { ...base, components };
}

/** Few and short enough for a deployment: what is left out is reset with what holds it. */
function folded(pointers: readonly string[]): string[] {
  let found = [...new Set(pointers)];
  while (
    found.length > MAX_POINTERS ||
    found.some((pointer) => pointer.length > MAX_POINTER_CHARACTERS)
  ) {
    const deepest = Math.max(...found.map((pointer) => pointer.split('/').length));
    found = [
      ...new Set(found.map((one) => (one.split('/').length === deepest ? parentOf(one) : one))),
    ];
  }
  return found;
}
