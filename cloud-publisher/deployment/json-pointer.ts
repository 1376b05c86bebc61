type Json = unknown;

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const keysOf = (pointer: string): string[] =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** Every value that is no object, by its pointer: lists are one value, as a merge replaces them whole. */
export function leavesOf(value: Json, pointer = ''): Map<string, Json> {
  if (!isObject(value) || Object.keys(value).length === 0)
    return pointer === '' ? new Map() : new Map([[pointer, value]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...leavesOf(inner, `${pointer}/${escaped(key)}`),
    ]),
  );
}

/** A copy without what stands at the pointer. */
export function withoutPointer(value: Json, pointer: string): Json {
  const [key, ...rest] = keysOf(pointer);
  if (key === undefined) return {};
  if (!isObject(value) || !Object.hasOwn(value, key)) return value;
  const { [key]: inner, ...others } = value;
  if (rest.length === 0) return others;
  return { ...others, [key]: withoutPointer(inner, `/${rest.map(escaped).join('/')}`) };
}

/** As a device merges: deep for objects, everything else replaced. */
export function deepMerge(before: Json, update: Json): Json {
  if (!isObject(before) || !isObject(update)) return update;
  const merged: Record<string, Json> = { ...before };
  for (const [key, inner] of Object.entries(update)) merged[key] = deepMerge(merged[key], inner);
  return merged;
}

/** The shortest beginning of the pointer at which there is nothing; all of it when there is something. */
export function firstAbsent(value: Json, pointer: string): string {
  let [at, path]: [Json, string] = [value, ''];
  for (const key of keysOf(pointer)) {
    path = `${path}/${escaped(key)}`;
    if (!isObject(at) || !Object.hasOwn(at, key)) return path;
    at = at[key];
  }
  return pointer;
}

/** The pointer that holds this one's value. */
export const parentOf = (pointer: string): string => pointer.slice(0, pointer.lastIndexOf('/'));
