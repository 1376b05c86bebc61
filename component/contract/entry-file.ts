/**
 * A file that runs in a thread or process of its own: `.ts` beside the file that starts it in a clone,
 * `.js` beside the bundle in what ships. `base` is `import.meta.url` of the caller. Packaging finds
 * what to bundle by these calls, so that both arguments are written out in each.
 */
export function entryFile(name: string, base: string): URL {
  const extension = base.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, base);
}
