import type { ComponentIdentity } from './component.ts';

const PUBLISHER = 'Vedette';

/**
 * The component that `--local-server name@version` asks for. DDA's model components want `^1.0.0` of it,
 * and its names say which machines they are for: whoever mixes them up finds out here, not on the device.
 */
export function localServerOf(
  text: string | undefined,
  platforms: readonly string[],
): ComponentIdentity | undefined {
  if (text === undefined) return undefined;
  const [, name, version] = /^([\w.-]{1,128})@(\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (name === undefined || version === undefined) {
    throw new Error(
      `--local-server: expected name@version such as aws.edgeml.dda.LocalServer.amd64@1.1000.0, got ${text}`,
    );
  }
  if (!version.startsWith('1.')) {
    throw new Error(
      `--local-server: DDA's model components depend on ^1.0.0 of it, ${version} would never be taken`,
    );
  }
  const arch = /\.(amd64|arm64)\w*$/.exec(name)?.[1];
  const other = platforms.filter((platform) => arch && platform !== `linux/${arch}`);
  if (other.length > 0) {
    throw new Error(
      `--local-server: ${name} is for linux/${arch}, not for ${other.join(', ')}; give --platform linux/${arch}`,
    );
  }
  return { name, author: PUBLISHER, version, isLocalServer: true };
}
