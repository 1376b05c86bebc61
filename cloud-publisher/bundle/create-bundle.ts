import { GatewayCatalog } from '../compatibility/gateway-catalog.ts';
import { resolveComponents } from '../compatibility/resolve-components.ts';
import type { ComponentGateway } from '../greengrass/component-gateway.ts';
import { bundleText, invalidBundle } from './bundle-schema.ts';
import type { Bundle, BundleRequest } from './bundle-schema.ts';
import { digestsOf } from './lock-component.ts';
import { validateBundle } from './validate-bundle.ts';
import type { BundleReport } from './validate-bundle.ts';

/**
 * Finds versions for what is asked for, writes their digests down and checks the whole.
 * @throws VedetteError COMPONENTS_CONFLICT, BUNDLE_INVALID with every problem, and those of the gateway
 */
export async function createBundle(
  request: BundleRequest,
  gateway: ComponentGateway,
): Promise<{ readonly bundle: Bundle; readonly report: BundleReport }> {
  const catalog = new GatewayCatalog(gateway);
  const { components, devices, ...head } = request;
  const wanted = new Map(Object.entries(components).map(([name, { version }]) => [name, version]));
  const versions = await resolveComponents({ wanted, devices }, catalog);
  const locked: Bundle['components'] = {};
  for (const [name, version] of [...versions].sort(([a], [b]) => (a < b ? -1 : 1))) {
    locked[name] = {
      ...components[name],
      version,
      isRequested: name in components,
      ...(await digestsOf(name, version, gateway)),
    };
  }
  const bundle: Bundle = { schemaVersion: 1, ...head, devices, components: locked };
  const report = await validateBundle(bundle, gateway, catalog);
  if (report.problems.length > 0)
    throw invalidBundle(`bundle ${bundleText(bundle)}`, report.problems);
  return { bundle, report };
}
