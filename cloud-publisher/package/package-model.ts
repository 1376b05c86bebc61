import { stat } from 'node:fs/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import { PLATFORMS } from '../../component/contract/model-manifest.ts';
import type { ModelManifestInput, Platform } from '../../component/contract/model-manifest.ts';
import { MANIFEST_FILE } from '../../component/inference/package/read-manifest.ts';
import type { PreparedModel } from '../prepare/prepare-model.ts';
import type { VariantFiles } from '../prepare/package-contents.ts';
import { MAX_ARTIFACT_BYTES } from '../recipe/recipe-schema.ts';
import { packArchive } from './packed-archive.ts';
import type { PackedArchive } from './packed-archive.ts';
import type { ZipSource } from './write-stored-zip.ts';

/** As Greengrass names processors. */
export type Architecture = 'amd64' | 'aarch64';

export const ARCHITECTURE_OF: Readonly<Record<Platform, Architecture>> = {
  'linux-x64': 'amd64',
  'linux-arm64': 'aarch64',
};

/** The archive that devices of these architectures take. */
export interface ModelArchive extends PackedArchive {
  readonly architectures: readonly Architecture[];
}

/**
 * Second phase: one archive for every machine, or, where variants are for certain platforms, one for
 * each platform with the variants that can run there. A platform without a variant gets none.
 * @throws VedetteError ARTIFACT_TOO_LARGE before anything is read or written, and those of `packArchive`
 */
export async function packageModel(
  prepared: PreparedModel,
  folder: string,
  signal?: AbortSignal,
): Promise<ModelArchive[]> {
  const { name, version } = prepared;
  const groups = groupByPlatform(prepared.variants);
  const contents = groups.map(({ variants }) => sourcesOf(prepared, variants));
  await requireSize(`${name} ${version}`, contents.flat());
  const archives: ModelArchive[] = [];
  for (const [index, { platforms }] of groups.entries()) {
    const architectures = platforms.map((platform) => ARCHITECTURE_OF[platform]);
    const suffix = groups.length > 1 || platforms.length < PLATFORMS.length;
    const fileName = `${name}-${version}${suffix ? `-${architectures.join('-')}` : ''}.zip`;
    archives.push({
      ...(await packArchive(folder, fileName, contents[index]!, signal)),
      architectures,
    });
  }
  return archives;
}

/** What no component can hold is not packed first: that takes its size on the disk, and minutes. */
async function requireSize(what: string, sources: readonly ZipSource[]): Promise<void> {
  let bytes = 0;
  for (const { content } of sources) {
    bytes += 'file' in content ? (await stat(content.file)).size : content.bytes.length;
  }
  if (bytes <= MAX_ARTIFACT_BYTES) return;
  throw new VedetteError(
    'ARTIFACT_TOO_LARGE',
    `the files of ${what} have ${bytes} bytes, Greengrass takes ${MAX_ARTIFACT_BYTES}`,
  );
}

interface PlatformGroup {
  readonly platforms: readonly Platform[];
  readonly variants: readonly VariantFiles[];
}

function groupByPlatform(variants: readonly VariantFiles[]): PlatformGroup[] {
  const groups: { platforms: Platform[]; variants: VariantFiles[] }[] = [];
  for (const platform of PLATFORMS) {
    const fitting = variants.filter(({ variant }) => variant.platforms?.includes(platform) ?? true);
    if (fitting.length === 0) continue;
    const same = groups.find(
      (group) =>
        group.variants.length === fitting.length &&
        group.variants.every((one) => fitting.includes(one)),
    );
    if (same) same.platforms.push(platform);
    else groups.push({ platforms: [platform], variants: fitting });
  }
  return groups;
}

function sourcesOf(
  { written, files, variants: all }: PreparedModel,
  variants: readonly VariantFiles[],
): ZipSource[] {
  const names = new Set(variants.map(({ variant }) => variant.name));
  const taken = new Map(
    [...files, ...variants.flatMap((one) => one.files)].map((one) => [one.path, one.file]),
  );
  const elsewhere = new Set(all.flatMap((one) => one.files).map(({ path }) => path));
  const isTaken = (path: string): boolean => taken.has(path) || !elsewhere.has(path);
  const manifest: ModelManifestInput = {
    ...written,
    variants: written.variants.filter(({ name }) => names.has(name)),
    ...(written.files
      ? {
          files: Object.fromEntries(
            Object.entries(written.files).filter(([path]) => isTaken(path)),
          ),
        }
      : {}),
  };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  return [
    { path: MANIFEST_FILE, content: { bytes: Buffer.from(text) } },
    ...[...taken].map(([path, file]) => ({ path, content: { file } })),
  ];
}
