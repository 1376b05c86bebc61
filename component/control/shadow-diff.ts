export type ShadowTree = { readonly [key: string]: unknown };

/** What must be sent so that `before` becomes `after`: a `null` removes; `undefined` when nothing must. */
export function shadowChange(before: unknown, after: unknown): unknown {
  if (!isTree(after)) return JSON.stringify(before) === JSON.stringify(after) ? undefined : after;
  const old = isTree(before) ? before : {};
  const keys = new Set([...Object.keys(old), ...Object.keys(after)]);
  const changed = [...keys].flatMap((key) => {
    if (after[key] === undefined) return old[key] === undefined ? [] : [[key, null] as const];
    const change = shadowChange(old[key], after[key]);
    return change === undefined ? [] : [[key, change] as const];
  });
  // An empty map is not kept by a shadow, so its absence is no difference.
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

/** `before` with a change made to it. */
export function withChange(before: unknown, change: unknown): unknown {
  if (!isTree(change)) return change;
  const result: Record<string, unknown> = isTree(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = withChange(result[key], value);
  }
  return result;
}

/** The change in pieces whose JSON has at most `maxBytes`, unless a single value has more. */
export function piecesOf(change: ShadowTree, maxBytes: number): ShadowTree[] {
  const pieces: ShadowTree[] = [];
  let piece: ShadowTree = {};
  for (const { keys, value } of leavesOf(change, [])) {
    const grown = merged(piece, treeOf(keys, value));
    if (Object.keys(piece).length > 0 && Buffer.byteLength(JSON.stringify(grown)) > maxBytes) {
      pieces.push(piece);
      piece = treeOf(keys, value);
    } else piece = grown;
  }
  return Object.keys(piece).length === 0 ? pieces : [...pieces, piece];
}

interface Leaf {
  readonly keys: readonly string[];
  readonly value: unknown;
}

function leavesOf(node: unknown, keys: readonly string[]): Leaf[] {
  if (!isTree(node)) return [{ keys, value: node }];
  return Object.entries(node).flatMap(([key, value]) => leavesOf(value, [...keys, key]));
}

const treeOf = (keys: readonly string[], value: unknown): ShadowTree =>
  keys.reduceRight<unknown>((node, key) => ({ [key]: node }), value) as ShadowTree;

function merged(below: ShadowTree, above: ShadowTree): ShadowTree {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = result[key];
    result[key] = isTree(old) && isTree(value) ? merged(old, value) : value;
  }
  return result;
}

export const isTree = (node: unknown): node is ShadowTree =>
  typeof node === 'object' && node !== null && !Array.isArray(node);
