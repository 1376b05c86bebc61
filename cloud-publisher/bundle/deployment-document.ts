import type { ComponentSettings } from '../deployment/component-set.ts';

/** Of the document of a deployment, as Greengrass counts it; more needs large configurations. */
export const MAX_THING_DOCUMENT_BYTES = 7_000;
export const MAX_GROUP_DOCUMENT_BYTES = 31_000;
/** Names of components that nucleus lite holds in its life. */
export const MAX_LITE_COMPONENTS = 50;

/** Size of the components in a deployment's document, where a merge is JSON within JSON. */
export function documentBytes(components: Readonly<Record<string, ComponentSettings>>): number {
  const entries = Object.entries(components).map(([name, { version, merge, reset, runWith }]) => [
    name,
    {
      componentVersion: version,
      ...(merge === undefined && reset === undefined
        ? {}
        : {
            configurationUpdate: {
              ...(merge === undefined ? {} : { merge: JSON.stringify(merge) }),
              ...(reset === undefined ? {} : { reset }),
            },
          }),
      ...(runWith === undefined ? {} : { runWith }),
    },
  ]);
  return Buffer.byteLength(JSON.stringify({ components: Object.fromEntries(entries) }));
}
