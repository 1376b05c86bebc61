import { componentSetOf } from '../bundle/bundle-schema.ts';
import type { Bundle } from '../bundle/bundle-schema.ts';
import type { DeploymentFile } from './deployment-file.ts';

interface Bundles {
  /** @throws VedetteError BUNDLE_NOT_FOUND */
  get(name: string, version?: string): Promise<{ readonly bundle: Bundle }>;
}

/** The file with everything that its bundle locks; what the file itself says of a component goes before. */
export async function withBundle(file: DeploymentFile, bundles: Bundles): Promise<DeploymentFile> {
  if (file.bundle === undefined) return file;
  const [name = '', version] = file.bundle.split('@');
  const { bundle } = await bundles.get(name, version);
  const components = { ...componentSetOf(bundle), ...file.components };
  return { ...file, bundle: `${bundle.name}@${bundle.version}`, components };
}
