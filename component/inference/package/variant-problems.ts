import { EXECUTION_PROVIDERS, PLATFORMS } from '../../contract/model-manifest.ts';
import type { ModelVariant } from '../../contract/model-manifest.ts';

/**
 * Variants that cannot be told apart: a name used twice, or two of the same precision for the same
 * platform and execution provider, between which no machine could choose.
 */
export function variantProblems(variants: readonly ModelVariant[]): string[] {
  const problems: string[] = [];
  const names = variants.map(({ name }) => name);
  for (const name of new Set(names)) {
    const uses = names.filter((other) => other === name).length;
    if (uses > 1) problems.push(`variants: the name '${name}' is used ${times(uses)}`);
  }
  for (const [index, one] of variants.entries()) {
    for (const other of variants.slice(index + 1)) {
      if (one.name === other.name || one.precision !== other.precision) continue;
      const platform = shared(one.platforms, other.platforms, PLATFORMS);
      const provider = shared(
        one.executionProviders,
        other.executionProviders,
        EXECUTION_PROVIDERS,
      );
      if (platform === undefined || provider === undefined) continue;
      problems.push(
        `variants: '${one.name}' and '${other.name}' are both ${one.precision} for ${platform} and ${provider}; they must differ in precision, platforms or executionProviders`,
      );
    }
  }
  return problems;
}

const times = (count: number) => (count === 2 ? 'twice' : `${count} times`);

/** The first value that both have; a list that is absent has every one. */
function shared<T>(
  one: readonly T[] | undefined,
  other: readonly T[] | undefined,
  all: readonly T[],
): T | undefined {
  return all.find((value) => (one ?? all).includes(value) && (other ?? all).includes(value));
}
