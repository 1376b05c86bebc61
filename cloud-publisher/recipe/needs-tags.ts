import type { ComponentNeeds } from '../compatibility/component-catalog.ts';

/** Of a version made here: what it needs of a device, where a recipe has no place for it. */
const BYTES = 'vedette:artifact-bytes';
const MEMORY = 'vedette:memory-megabytes';
const PROVIDERS = 'vedette:execution-providers';
const GLIBC = 'vedette:glibc';
/** What a component is: `edge-runtime` has a configuration that is known here. */
export const KIND_TAG = 'vedette:kind';

/** Values of tags hold letters, digits, blanks and `_ . : / = + - @`. */
export function needsTags(needs: ComponentNeeds): Record<string, string> {
  const { artifactBytes, memoryMegabytes, executionProviders, glibc } = needs;
  return {
    ...(artifactBytes === undefined
      ? {}
      : {
          [BYTES]: Object.entries(artifactBytes)
            .map((pair) => pair.join('='))
            .join(' '),
        }),
    ...(memoryMegabytes === undefined ? {} : { [MEMORY]: String(Math.ceil(memoryMegabytes)) }),
    ...(executionProviders === undefined ? {} : { [PROVIDERS]: executionProviders.join(' ') }),
    ...(glibc === undefined ? {} : { [GLIBC]: glibc }),
  };
}

/** What tags say; what they do not say, or in another form, is not known. */
export function needsOfTags(tags: Readonly<Record<string, string>>): ComponentNeeds {
  const memory = Number(tags[MEMORY]);
  const bytes = (tags[BYTES] ?? '').split(' ').flatMap((pair) => {
    const [architecture = '', count = ''] = pair.split('=');
    return architecture !== '' && /^\d{1,15}$/.test(count) ? [[architecture, Number(count)]] : [];
  });
  const providers = (tags[PROVIDERS] ?? '').split(' ').filter(Boolean);
  const glibc = tags[GLIBC];
  return {
    ...(bytes.length > 0 ? { artifactBytes: Object.fromEntries(bytes) } : {}),
    ...(memory > 0 ? { memoryMegabytes: memory } : {}),
    ...(providers.length > 0 ? { executionProviders: providers } : {}),
    ...(glibc !== undefined && /^\d+\.\d+$/.test(glibc) ? { glibc } : {}),
  };
}
