import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { COMPONENT_NAME } from './component-folder.ts';

interface Recipe {
  readonly ComponentConfiguration: {
    readonly DefaultConfiguration: { readonly accessControl: object };
  };
}

/** What the recipe lets the component do, and nothing more. */
export async function recipeAccessControl(): Promise<object> {
  const file = path.join(import.meta.dirname, '../../../recipes/edge-runtime.yaml');
  const text = (await readFile(file, 'utf8')).replaceAll('<<componentName>>', COMPONENT_NAME);
  // Other placeholders stand in for text, which YAML takes as it is.
  return (parse(text) as Recipe).ComponentConfiguration.DefaultConfiguration.accessControl;
}
