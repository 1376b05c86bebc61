import { open, rename, rm } from 'node:fs/promises';

/** `ftyp` and `moov` of a camera are some kilobytes, a picture is at most 64 MiB. */
const MAX_BOX_BYTES = 64 * 1024 * 1024;

/**
 * Gives a recording that a crash left half-written its name, as far as its fragments are whole;
 * removes it when none is. Whether anything was recovered.
 */
export async function recoverClip(partFile: string, file: string): Promise<boolean> {
  const handle = await open(partFile, 'r+');
  let end: number;
  try {
    end = await endOfWholeFragments(handle);
    if (end > 0) {
      await handle.truncate(end);
      await handle.sync();
    }
  } finally {
    await handle.close();
  }
  if (end > 0) await rename(partFile, file);
  else await rm(partFile);
  return end > 0;
}

/** Where the last `mdat` ends that is there in full, 0 without one (ISO/IEC 14496-12, 4.2). */
async function endOfWholeFragments(handle: Awaited<ReturnType<typeof open>>): Promise<number> {
  const { size } = await handle.stat();
  const head = Buffer.alloc(8);
  let hasHeader = false;
  let end = 0;
  for (let at = 0; size - at >= head.length;) {
    const { bytesRead } = await handle.read(head, 0, head.length, at);
    const boxBytes = head.readUInt32BE(0);
    const isWhole = boxBytes >= head.length && boxBytes <= MAX_BOX_BYTES && boxBytes <= size - at;
    if (bytesRead < head.length || !isWhole) break;
    at += boxBytes;
    const type = head.toString('latin1', 4);
    if (type === 'moov') hasHeader = true;
    if (type === 'mdat' && hasHeader) end = at;
  }
  return end;
}
