import { createHash } from 'node:crypto';
import { ALGORITHMS, checksum } from './checksums.ts';
import type { ChecksumAlgorithm } from './checksums.ts';

export interface StoredObject {
  readonly data: Buffer;
  readonly etag: string;
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE';
  readonly headers: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface StoredPart {
  readonly data: Buffer;
  readonly etag: string;
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

export interface OpenUpload {
  readonly key: string;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly parts: Map<number, StoredPart>;
}

export const md5 = (data: Uint8Array): string => createHash('md5').update(data).digest('hex');

export interface CompletedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: Readonly<Record<string, string>>;
}

/** `Part` elements of a CompleteMultipartUpload, by regular expressions: the SDK writes nothing else. */
export function completedParts(xml: string): CompletedPart[] {
  const text = (part: string, name: string): string | undefined =>
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(part)?.[1]?.replaceAll('&quot;', '"');
  return [...xml.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    number: Number(text(part, 'PartNumber')),
    etag: text(part, 'ETag') ?? '',
    checksums: Object.fromEntries(
      ALGORITHMS.flatMap((algorithm) => {
        const value = text(part, `Checksum${algorithm.toUpperCase()}`);
        return value === undefined ? [] : [[algorithm, value]];
      }),
    ),
  }));
}

/** Of a PutObjectTagging. */
export const tagsOfSet = (xml: string): Record<string, string> =>
  Object.fromEntries(
    [...xml.matchAll(/<Tag><Key>([^<]*)<\/Key><Value>([^<]*)<\/Value><\/Tag>/g)].map(
      ([, key = '', value = '']) => [key, value],
    ),
  );

const MIN_PART_BYTES = 5 * 1024 * 1024;

/** An object of parts, or the code with which S3 refuses to make it. */
export function assemble(
  { parts, algorithm, headers, tags }: OpenUpload,
  wanted: readonly CompletedPart[],
): StoredObject | string {
  if (wanted.length === 0) return 'MalformedXML';
  const chosen: StoredPart[] = [];
  let last = 0;
  for (const { number, etag, checksums } of wanted) {
    if (number <= last) return 'InvalidPartOrder';
    last = number;
    const part = parts.get(number);
    if (!part || part.etag !== etag) return 'InvalidPart';
    for (const [name, value] of Object.entries(checksums)) {
      if (part.checksums[name as ChecksumAlgorithm] !== value) return 'InvalidPart';
    }
    chosen.push(part);
  }
  if (chosen.slice(0, -1).some(({ data }) => data.length < MIN_PART_BYTES)) return 'EntityTooSmall';
  const data = Buffer.concat(chosen.map((part) => part.data));
  const digests = chosen.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'));
  const isWhole = algorithm === 'crc64nvme';
  const value =
    algorithm === undefined
      ? undefined
      : isWhole
        ? checksum(algorithm, data)
        : `${checksum(
            algorithm,
            Buffer.concat(
              chosen.map((part) => Buffer.from(part.checksums[algorithm] ?? '', 'base64')),
            ),
          )}-${chosen.length}`;
  return {
    data,
    etag: `"${md5(Buffer.concat(digests))}-${chosen.length}"`,
    checksums: algorithm === undefined || value === undefined ? {} : { [algorithm]: value },
    checksumType: isWhole ? 'FULL_OBJECT' : 'COMPOSITE',
    headers,
    tags,
  };
}

const MAX_TAGS = 10;
/** What S3 takes in keys and values of tags. */
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags of the header x-amz-tagging, or the code with which S3 refuses them. */
export function tagsOf(header: string | undefined): Readonly<Record<string, string>> | string {
  const pairs = [...new URLSearchParams(header ?? '')];
  const tags = Object.fromEntries(pairs);
  if (pairs.length > MAX_TAGS) return 'BadRequest';
  if (Object.keys(tags).length < pairs.length) return 'InvalidTag';
  const isValid = pairs.every(
    ([key, value]) =>
      key.length >= 1 &&
      key.length <= 128 &&
      value.length <= 256 &&
      TAG_TEXT.test(key) &&
      TAG_TEXT.test(value) &&
      !key.startsWith('aws:'),
  );
  return isValid ? tags : 'InvalidTag';
}
