/**
 * A file of this folder that runs in a thread or process of its own: `.ts` in a clone, `.js` beside
 * the bundle in what ships.
 */
export function entryFile(name: 'model-worker' | 'probe'): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}
