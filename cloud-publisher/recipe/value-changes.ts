import { canonicalJson } from './canonical-json.ts';

/** How two values differ, leaf by leaf in words; lists as a whole, because a merge replaces them so. */
export function valueChanges(where: string, before: unknown, after: unknown): string[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  if (!isMap(before) || !isMap(after)) return [`${where}: ${text(before)} → ${text(after)}`];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys]
    .sort()
    .flatMap((key) => valueChanges(`${where} ${key}`, before[key], after[key]));
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MAX_TEXT = 80;

function text(value: unknown): string {
  if (value === undefined) return 'not set';
  const json = canonicalJson(value);
  return json.length > MAX_TEXT ? `${json.slice(0, MAX_TEXT)}…` : json;
}
