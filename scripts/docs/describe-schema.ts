import { discriminatorOf } from './config-leaves.ts';
import type { JsonSchema } from './json-schemas.ts';

/** Unit by the ending of a name, most particular first. */
const UNITS: readonly [RegExp, string][] = [
  [/FramesPerSecond$|^framesPerSecond$/, 'frames/s'],
  [/Ms$/, 'ms'],
  [/Bytes$/, 'bytes'],
  [/Megabytes$/, 'MB'],
  [/Hours$/, 'h'],
  [/Pixels$/, 'pixels'],
];

/** Unit of a value: from its name, which carries it, else from its description («in pixels»). */
export function unitOf(path: string, description: string): string {
  const name = path.split('.').at(-1) ?? '';
  const unit = UNITS.find(([pattern]) => pattern.test(name))?.[1];
  return unit ?? /\bin (?:its )?(pixels|degrees)\b/.exec(description)?.[1] ?? '';
}

/** The kind of value, in words: `integer`, `text`, `one of a, b`, `{ width, height }`. */
export function typeOf(schema: JsonSchema): string {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices?.every((choice) => choice.const !== undefined)) {
    return choices.map((choice) => `\`${String(choice.const)}\``).join(', ');
  }
  if (choices && discriminatorOf(schema) === undefined) {
    return [...new Set(choices.map(typeOf))].join(' or ');
  }
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.properties) return `\`{ ${Object.keys(schema.properties).join(', ')} }\``;
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (schema.type === 'string') return 'text';
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'object') return 'map';
  return typeof schema.type === 'string' ? schema.type : 'anything';
}

const FORMAT = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 6 });
const number = (value: number): string => FORMAT.format(value);

/** Largest and smallest value, length or count; empty when any goes. */
export function rangeOf(schema: JsonSchema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  if (minimum !== undefined || maximum !== undefined) return between(minimum, maximum);
  if (schema.exclusiveMinimum !== undefined) return `above ${number(schema.exclusiveMinimum)}`;
  if (minItems !== undefined || maxItems !== undefined) return between(minItems, maxItems, 'items');
  if (maxLength !== undefined) return between(minLength, maxLength, 'characters');
  return schema.pattern === undefined ? '' : patternInWords(schema.pattern);
}

function between(from: number | undefined, to: number | undefined, what = ''): string {
  const noun = what === '' ? '' : ` ${what}`;
  if (from === undefined) return `at most ${number(to ?? 0)}${noun}`;
  if (to === undefined || to >= Number.MAX_SAFE_INTEGER) return `at least ${number(from)}${noun}`;
  return `${number(from)} to ${number(to)}${noun}`;
}

const NAME_PATTERN = /^\^\[a-z0-9\]/;

const patternInWords = (pattern: string): string =>
  NAME_PATTERN.test(pattern) ? 'a name: a–z, 0–9, inner hyphens' : `\`${pattern}\``;

/** A default as it would be written in the configuration file. */
export function defaultOf(schema: JsonSchema, isRequired: boolean): string {
  if (isRequired) return '**required**';
  if (schema.default === undefined) return '';
  const isEmptyObject =
    typeof schema.default === 'object' && JSON.stringify(schema.default) === '{}';
  if (isEmptyObject) return 'empty';
  return `\`${typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)}\``;
}
