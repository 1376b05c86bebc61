import type { DeviceFacts } from './device-facts.ts';

/** Part of nucleus lite itself: it passes over dependencies on them. */
const BUILT_IN_LITE = new Set([
  'aws.greengrass.Nucleus',
  'aws.greengrass.TokenExchangeService',
  'aws.greengrass.Cli',
]);

export const isBuiltIn = (component: string, nucleus: DeviceFacts['nucleus']): boolean =>
  nucleus === 'lite' && BUILT_IN_LITE.has(component);
