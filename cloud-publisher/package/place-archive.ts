import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { sha256Of } from '../../component/inference/package/package-files.ts';
import { syncFolder } from '../../component/inference/package/synced-file.ts';
import { folderFault } from '../storage/folder-fault.ts';
import { removeOldParts } from '../storage/remove-old-parts.ts';
import type { PackedArchive } from './packed-archive.ts';

export interface PlacedArchive {
  readonly file: string;
  /** False when the same file was there already. */
  readonly isNew: boolean;
}

/** Puts an archive into a folder under the name that it is published by. */
export const placeArchive = (archive: PackedArchive, folder: string): Promise<PlacedArchive> =>
  placeFile(archive, join(folder, archive.fileName));

/**
 * Copies a file to a place that it appears at as a whole or not at all, synced, its copy compared
 * with its digest. Another file there is never overwritten.
 * @throws VedetteError ARTIFACT_CONFLICT, ARTIFACT_CORRUPT, STORAGE_FULL, ARTIFACT_STORE_UNAVAILABLE
 */
export async function placeFile(
  { file, sha256 }: { readonly file: string; readonly sha256: string },
  target: string,
): Promise<PlacedArchive> {
  const part = `${target}.${randomUUID()}.part`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await removeOldParts(dirname(target), basename(target));
    await copyFile(file, part, constants.COPYFILE_FICLONE);
    await syncFile(part);
    if ((await sha256Of([part])) !== sha256) {
      throw new VedetteError('ARTIFACT_CORRUPT', `the copy of ${target} is not what was packed`);
    }
    const isNew = await appear(part, target);
    await syncFolder(dirname(target));
    if (!isNew && (await sha256Of([target])) !== sha256) {
      throw new VedetteError(
        'ARTIFACT_CONFLICT',
        `${target} is there already, with other content; it was left as it is`,
        { details: { file: target, sha256 } },
      );
    }
    return { file: target, isNew };
  } catch (error) {
    throw folderFault(error, `${target} could not be written`);
  } finally {
    await rm(part, { force: true });
  }
}

/** A hard link fails where a rename would overwrite. */
async function appear(part: string, target: string): Promise<boolean> {
  try {
    await link(part, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
