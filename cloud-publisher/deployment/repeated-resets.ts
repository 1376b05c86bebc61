import type { PlannedStep } from './rollout.ts';

/**
 * Resets of components that the file does not name: they are somebody else's and stay to the letter,
 * so that devices carry them out again. One sentence for each component.
 */
export function repeatedResets(steps: readonly PlannedStep[]): string[] {
  const sentences = new Set<string>();
  for (const { document, changes } of steps) {
    const named = new Set(changes.map(({ component }) => component));
    for (const [component, { configurationUpdate }] of Object.entries(document.components)) {
      const reset = configurationUpdate?.reset ?? [];
      if (named.has(component) || reset.length === 0) continue;
      const pointers = reset.map((pointer) => (pointer === '' ? 'everything' : pointer)).join(', ');
      sentences.add(
        `${component} keeps the reset that somebody deployed with it, and devices carry it out again: ${pointers}; name the component to leave it out`,
      );
    }
  }
  return [...sentences];
}
