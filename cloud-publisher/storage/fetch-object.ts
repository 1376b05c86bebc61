import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { VedetteError } from '../../component/contract/errors.ts';
import type { ArtifactSource } from './artifact-source.ts';

/** Of one archive that is fetched: an artifact has 2 GB at most, a training's output more around it. */
const MAX_FETCH_BYTES = 8 * 1024 ** 3;

/**
 * Fetches an object into a file of this machine.
 * @param uri `s3://bucket/key`
 * @returns false when there is no such object
 * @throws VedetteError AWS_*, ARTIFACT_TOO_LARGE, ARTIFACT_STORE_UNAVAILABLE when the disk refuses
 */
export async function fetchObject(
  source: ArtifactSource,
  uri: string,
  file: string,
  signal?: AbortSignal,
  maxBytes = MAX_FETCH_BYTES,
): Promise<boolean> {
  const fileName = uri.split('/').at(-1) ?? '';
  try {
    const body = await source.read({ component: '', version: '', uri, fileName });
    let byteLength = 0;
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          byteLength += chunk.length;
          if (byteLength > maxBytes) {
            throw new VedetteError(
              'ARTIFACT_TOO_LARGE',
              `${uri} has more than the ${maxBytes} bytes that are fetched`,
            );
          }
          yield chunk;
        }
      },
      createWriteStream(file),
      signal ? { signal } : {},
    );
    return true;
  } catch (error) {
    await rm(file, { force: true });
    signal?.throwIfAborted();
    if (isAbsent(error)) return false;
    if (error instanceof VedetteError) throw error;
    const { code, syscall } = error as NodeJS.ErrnoException;
    const isDisk = syscall === 'write' || syscall === 'open';
    throw new VedetteError(
      isDisk ? 'ARTIFACT_STORE_UNAVAILABLE' : 'AWS_UNAVAILABLE',
      `${uri} could not be fetched to ${file}: ${code ?? (error as Error).message}`,
      { cause: error },
    );
  }
}

const isAbsent = (error: unknown): boolean =>
  error instanceof VedetteError &&
  (error.details as { readonly awsCode?: unknown } | undefined)?.['awsCode'] === 'NoSuchKey';
