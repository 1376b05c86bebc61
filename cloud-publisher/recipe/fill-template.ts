import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { recipesFolder } from '../recipes-folder.ts';

export type TemplateValues = Readonly<Record<string, string | number>>;

const PLACE = /<<([a-zA-Z]+)>>/g;
const WHOLE = /^<<([a-zA-Z]+)>>$/;

/** A recipe template of `recipes/`, parsed. */
export async function readTemplate(
  name: 'edge-runtime' | 'local-server' | 'model' | 'model-dda',
): Promise<unknown> {
  const file = new URL(`${name}.yaml`, recipesFolder);
  return parse(await readFile(file, 'utf8'));
}

/**
 * Fills in values after the YAML was parsed, so that no value can be taken for YAML. A text that is
 * one place and nothing else becomes the value itself, a number too.
 */
export function fillTemplate(template: unknown, values: TemplateValues): unknown {
  if (typeof template === 'string') return fillText(template, values);
  if (Array.isArray(template)) return template.map((one) => fillTemplate(one, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [
      String(fillText(key, values)),
      fillTemplate(value, values),
    ]),
  );
}

function fillText(text: string, values: TemplateValues): string | number {
  const whole = WHOLE.exec(text)?.[1];
  if (whole !== undefined) return valueOf(whole, values);
  return text.replaceAll(PLACE, (_, name: string) => String(valueOf(name, values)));
}

function valueOf(name: string, values: TemplateValues): string | number {
  const value = values[name];
  if (value === undefined) throw new Error(`the template has a place <<${name}>> without a value`);
  return value;
}
