import { realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { packageRoot } from '../../component/inference/package/package-root.ts';
import { isArchive, unpackArchive } from '../../component/inference/package/unpack-archive.ts';
import { openScratchFolder } from './scratch-folder.ts';

/** What was given to be published, opened. `close` must follow. */
export interface ModelSource {
  /** As it was given. */
  readonly path: string;
  readonly kind: 'folder' | 'archive' | 'file';
  /** Absolute, links resolved: the package's folder, also of an archive; the file itself of a file. */
  readonly place: string;
  readonly close: () => Promise<void>;
}

/**
 * Opens a folder, an archive (zip, tar, tar.gz; unpacked into a temporary folder) or a single file.
 * @throws VedetteError NOT_FOUND, MODEL_ARCHIVE_INVALID, MODEL_ARCHIVE_TOO_LARGE
 */
export async function openModelSource(path: string, signal?: AbortSignal): Promise<ModelSource> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new VedetteError('NOT_FOUND', `there is no model at ${path}`, { cause });
  });
  const close = async (): Promise<void> => undefined;
  if (found.isDirectory()) return { path, kind: 'folder', place: await realpath(path), close };
  if (!(await isArchive(path))) return { path, kind: 'file', place: await realpath(path), close };
  const folder = await openScratchFolder();
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const unpacked = join(folder, 'package');
    await unpackArchive(path, unpacked, signal);
    return { path, kind: 'archive', place: await packageRoot(unpacked), close: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
