import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { desiredCameraSchema } from '../contract/device-desired.ts';
import { VedetteError } from '../contract/errors.ts';
import { nameSchema } from '../contract/model-manifest.ts';
import {
  isMap,
  mapAt,
  type ConfigurationLayer,
  type ConfigurationTree,
} from './configuration-layer.ts';
import { writeSynced } from './write-synced.ts';

export const REMOTE_FILE = 'remote.json';

const remoteSettingsSchema = z.strictObject({
  cameras: z.record(nameSchema, desiredCameraSchema),
});
/** What the device shadow desired of cameras: holds until it desires something else. */
export type RemoteSettings = z.infer<typeof remoteSettingsSchema>;

/** @throws VedetteError CONFIG_UNREADABLE */
export async function readRemoteSettings(dataFolder: string): Promise<RemoteSettings> {
  const file = path.join(dataFolder, REMOTE_FILE);
  try {
    return remoteSettingsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { cameras: {} };
    throw new VedetteError(
      'CONFIG_UNREADABLE',
      `${file} is not as Vedette wrote it: remove it, and the device shadow is asked again`,
      { cause },
    );
  }
}

/** Synced: a power cut leaves the old or the new. */
export async function writeRemoteSettings(
  dataFolder: string,
  settings: RemoteSettings,
): Promise<void> {
  const text = JSON.stringify(remoteSettingsSchema.parse(settings));
  await writeSynced(path.join(dataFolder, REMOTE_FILE), text, 0o600);
}

/** As a layer; cameras that the layers below do not have are left out. `undefined`: nothing is set. */
export async function remoteLayer(
  dataFolder: string,
  below: readonly ConfigurationLayer[],
): Promise<ConfigurationLayer | undefined> {
  const { cameras } = await readRemoteSettings(dataFolder);
  const known = new Set(below.flatMap(({ tree }) => Object.keys(mapAt(tree, 'cameras'))));
  const set = Object.entries(cameras).filter(([name]) => known.has(name));
  if (set.length === 0) return undefined;
  const tree: ConfigurationTree = {
    cameras: Object.fromEntries(set.filter(([, one]) => isMap(one))),
  };
  return { origin: 'device shadow', tree };
}
