import type {
  ExecutionProvider,
  ModelManifest,
  ModelVariant,
} from '../../contract/model-manifest.ts';

export interface VariantChoice {
  readonly variant: ModelVariant;
  /** Why it was taken, in words. */
  readonly reason: string;
}

/** A variant that measurements on this machine chose. */
export interface PreferredVariant {
  readonly variant: string;
  readonly reason: string;
  /** What it was measured on. */
  readonly executionProvider: ExecutionProvider;
}

/** What runs models where nothing else is configured. */
const ON_CPU: readonly ExecutionProvider[] = ['cpu'];
const PLATFORM = `${process.platform}-${process.arch}`;

/**
 * Why a variant cannot run on this machine; `undefined` when it can.
 * @param providers that are configured, the CPU among them
 */
export function whyNotHere(
  { platforms, executionProviders }: ModelVariant,
  providers = ON_CPU,
): string | undefined {
  if (platforms && !platforms.some((platform) => platform === PLATFORM)) {
    return `is for ${platforms.join(' and ')}, this machine is ${PLATFORM}`;
  }
  if (executionProviders && !executionProviders.some((name) => providers.includes(name))) {
    return `is for the execution provider ${executionProviders.join(' or ')}, this machine runs ${providers.join(' and ')}`;
  }
  return undefined;
}

/**
 * The variant asked for, else the preferred one, else the first one that is for this machine. A name that the package does
 * not have, and a package or variant that is for other machines, are pushed as problems.
 */
export function pickVariant(
  { variants }: Pick<ModelManifest, 'variants'>,
  name: string | undefined,
  problems: string[],
  preferred?: PreferredVariant,
  providers = ON_CPU,
): VariantChoice | undefined {
  if (name !== undefined) {
    const variant = variants.find((candidate) => candidate.name === name);
    if (!variant) {
      const names = variants.map((candidate) => `'${candidate.name}'`).join(', ');
      problems.push(`variant '${name}' is asked for, the package has ${names}`);
      return undefined;
    }
    const why = whyNotHere(variant, providers);
    if (why === undefined) return { variant, reason: 'named in the configuration' };
    problems.push(`variant '${name}' is asked for, but ${why}`);
    return undefined;
  }
  const fitting = variants.filter((candidate) => whyNotHere(candidate, providers) === undefined);
  // Times of the CPU say nothing of accelerators.
  const holds = preferred?.executionProvider !== 'cpu' || providers.every((one) => one === 'cpu');
  const measured = fitting.find(({ name: one }) => holds && one === preferred?.variant);
  if (measured && preferred) return { variant: measured, reason: preferred.reason };
  const [variant] = fitting;
  if (variant) {
    const reason =
      variants.length === 1
        ? 'the only one of the package'
        : fitting.length === 1
          ? 'the only one for this machine'
          : 'the first of the package that is for this machine';
    return { variant, reason };
  }
  for (const candidate of variants) {
    problems.push(`variants: '${candidate.name}' ${whyNotHere(candidate, providers)}`);
  }
  return undefined;
}
