type Json = { [key: string]: unknown };

/** What the nucleus holds of a component's configuration. */
export class NucleusConfiguration {
  readonly #tree: Json;
  readonly #stringifies: boolean;

  constructor(tree: Json, stringifies: boolean) {
    this.#tree = tree;
    this.#stringifies = stringifies;
  }

  /** The value there, as a component gets it; `undefined` when there is none. */
  valueAt(keyPath: unknown): unknown {
    const keys = Array.isArray(keyPath) ? (keyPath as string[]) : [];
    const tree = this.#stringifies ? stringified(this.#tree) : this.#tree;
    return keys.reduce<unknown>((node, key) => (node as Json | undefined)?.[key], tree);
  }

  /** Maps are merged, all else is replaced. Gives the paths of the leaves that were named. */
  merge(change: Json): string[][] {
    return mergeInto(this.#tree, change, []);
  }

  reset(key: string): void {
    delete this.#tree[key];
  }
}

function mergeInto(tree: Json, change: Json, above: readonly string[]): string[][] {
  return Object.entries(change).flatMap(([key, value]) => {
    const keyPath = [...above, key];
    const isMap = (node: unknown): node is Json =>
      typeof node === 'object' && node !== null && !Array.isArray(node);
    if (!isMap(value)) {
      tree[key] = value;
      return [keyPath];
    }
    if (!isMap(tree[key])) tree[key] = {};
    return mergeInto(tree[key] as Json, value, keyPath);
  });
}

function stringified(node: unknown): unknown {
  if (typeof node === 'number' || typeof node === 'boolean') return String(node);
  if (Array.isArray(node)) return node.map(stringified);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, one]) => [key, stringified(one)]));
}
