import { VedetteError } from '../../contract/errors.ts';

/** An XML element. Names are without their namespace prefix. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** All text directly in it, without surrounding white space. */
  readonly text: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export const MAX_XML_LENGTH = 262_144;
const MAX_DEPTH = 40;
const MAX_ELEMENTS = 10_000;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};
const ATTRIBUTE = /([^\s=/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

interface OpenElement {
  readonly prefixed: string;
  readonly element: {
    name: string;
    children: XmlElement[];
    text: string;
    attributes: Record<string, string>;
  };
}

/**
 * Reads what cameras answer: elements, attributes, text, CDATA, comments. Document types, and with
 * them entities that somebody defines, are refused; size, depth and number of elements are limited.
 * @throws VedetteError CAMERA_SOURCE_FAILED
 */
export function readXml(text: string): XmlElement {
  if (text.length > MAX_XML_LENGTH) throw invalid(`it has more than ${MAX_XML_LENGTH} characters`);
  const top: OpenElement = { prefixed: '', element: newElement('', {}) };
  const open: OpenElement[] = [top];
  let count = 0;
  let at = 0;
  while (at < text.length) {
    const inside = open.at(-1)!.element;
    const next = text.indexOf('<', at);
    if (next !== at) {
      inside.text += decode(text.slice(at, next < 0 ? text.length : next));
      if (next < 0) break;
      at = next;
      continue;
    }
    const markup = skippedMarkup(text, at);
    if (markup !== undefined) {
      inside.text += markup.text;
      at = markup.end;
      continue;
    }
    const end = endOfTag(text, at);
    const tag = text.slice(at + 1, end);
    at = end + 1;
    if (tag.startsWith('/')) {
      const closed = open.pop()!;
      if (closed === top || closed.prefixed !== tag.slice(1).trim()) {
        throw invalid(`</${tag.slice(1, 60)}> closes what is not open`);
      }
      closed.element.text = closed.element.text.trim();
      continue;
    }
    count += 1;
    if (count > MAX_ELEMENTS) throw invalid(`it has more than ${MAX_ELEMENTS} elements`);
    const isEmpty = tag.endsWith('/');
    const prefixed = /^[^\s/]+/.exec(tag)?.[0];
    if (prefixed === undefined) throw invalid('an element has no name');
    const element = newElement(localName(prefixed), attributesOf(tag.slice(prefixed.length)));
    inside.children.push(element);
    if (isEmpty) continue;
    open.push({ prefixed, element });
    if (open.length > MAX_DEPTH) throw invalid(`it is more than ${MAX_DEPTH} elements deep`);
  }
  const [root, ...others] = top.element.children;
  if (open.length > 1 || root === undefined || others.length > 0) {
    throw invalid(open.length > 1 ? 'it is cut short' : 'it is not one element');
  }
  return root;
}

/** Every element of this name below `element`, in order. */
export function allNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...allNamed(child, name),
  ]);
}

/** The text at the end of a path of names, each of which may lie anywhere below the one before. */
export function textAt(element: XmlElement, ...names: readonly string[]): string | undefined {
  let found: XmlElement | undefined = element;
  for (const name of names) found = found === undefined ? undefined : allNamed(found, name)[0];
  return found?.text;
}

const newElement = (name: string, attributes: Record<string, string>) => ({
  ...{ name, attributes, text: '' },
  children: [] as XmlElement[],
});

const localName = (prefixed: string) => prefixed.slice(prefixed.indexOf(':') + 1);

const invalid = (why: string) =>
  new VedetteError('CAMERA_SOURCE_FAILED', `the answer is no XML that can be read: ${why}`);

/** Comments, instructions and CDATA; `undefined` when a tag begins here. */
function skippedMarkup(text: string, at: number): { text: string; end: number } | undefined {
  for (const [start, stop] of [
    ['<!--', '-->'],
    ['<?', '?>'],
    ['<![CDATA[', ']]>'],
  ] as const) {
    if (!text.startsWith(start, at)) continue;
    const end = text.indexOf(stop, at + start.length);
    if (end < 0) throw invalid('it is cut short');
    const isText = start === '<![CDATA[';
    return { text: isText ? text.slice(at + start.length, end) : '', end: end + stop.length };
  }
  if (text.startsWith('<!', at)) throw invalid('document types are not allowed');
  return undefined;
}

/** Where the tag that begins at `at` has its `>`, which quoted attributes may hold too. */
function endOfTag(text: string, at: number): number {
  let quote = '';
  for (let index = at + 1; index < text.length; index += 1) {
    const character = text[index]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return index;
  }
  throw invalid('it is cut short');
}

function attributesOf(text: string): Record<string, string> {
  const attributes: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [, name, double, single] of text.matchAll(ATTRIBUTE)) {
    attributes[localName(name!)] = decode(double ?? single ?? '');
  }
  return attributes;
}

function decode(text: string): string {
  return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w{1,8});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code =
      name[1]!.toLowerCase() === 'x' ? parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
