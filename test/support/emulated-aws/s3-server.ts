import { createHash, randomUUID } from 'node:crypto';
import { decodeAwsChunked } from './aws-chunked.ts';
import { ALGORITHMS, checksum } from './checksums.ts';
import type { ChecksumAlgorithm } from './checksums.ts';
import { refusalOf, signerOf } from './credentials.ts';
import type { EmulatedKeys } from './credentials.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { EmulatedAnswer, EmulatedRequest } from './loopback-server.ts';
import { assemble, completedParts, md5, tagsOf, tagsOfSet } from './s3-objects.ts';
import type { OpenUpload, StoredObject } from './s3-objects.ts';

/**
 * A small S3: put, get, head, delete, multipart uploads with listing, checksums (given or trailing) that are
 * verified, `If-None-Match: *`, aws-chunked bodies, regions, and refusals as S3 words them.
 * Path-style addresses, as the SDK uses them for an IP address.
 */
export class EmulatedS3 extends LoopbackServer {
  /** Objects by `bucket/key`. */
  readonly objects = new Map<string, StoredObject>();
  /** Open multipart uploads by id. */
  readonly uploads = new Map<string, OpenUpload>();
  /** Region by bucket. */
  readonly buckets = new Map<string, string>();
  /** Parts in a page of ListParts, uploads in one of ListMultipartUploads. */
  pageSize = 1000;
  readonly #keys: EmulatedKeys;

  constructor(keys: EmulatedKeys) {
    super();
    this.#keys = keys;
  }

  /** Puts an object as another service of the account does. @param id `bucket/key` */
  place(id: string, data: Buffer): void {
    const checksums = { crc64nvme: checksum('crc64nvme', data) };
    const etag = `"${md5(data)}"`;
    this.objects.set(id, { data, etag, checksums, checksumType: 'FULL_OBJECT', headers: {} });
  }

  protected operationOf({ method, query }: EmulatedRequest): string {
    if (query.has('uploads')) {
      return method === 'GET' ? 's3:ListMultipartUploads' : 's3:CreateMultipartUpload';
    }
    if (query.has('partNumber')) return 's3:UploadPart';
    if (query.has('uploadId')) {
      if (method === 'POST') return 's3:CompleteMultipartUpload';
      return method === 'DELETE' ? 's3:AbortMultipartUpload' : 's3:ListParts';
    }
    if (query.get('list-type') === '2') return 's3:ListObjectsV2';
    if (query.has('tagging') && method === 'PUT') return 's3:PutObjectTagging';
    const names: Readonly<Record<string, string>> = {
      PUT: 'Put',
      GET: 'Get',
      HEAD: 'Head',
      DELETE: 'Delete',
    };
    return `s3:${names[method] ?? method}Object`;
  }

  protected handle(request: EmulatedRequest): EmulatedAnswer {
    const [, bucket = '', ...rest] = request.path.split('/');
    const id = `${bucket}/${rest.join('/')}`;
    const refused = this.#refusal(request, bucket);
    if (refused) return refused;
    switch (request.operation) {
      case 's3:PutObject':
        return this.#put(request, id);
      case 's3:PutObjectTagging':
        return this.#putTags(request, id);
      case 's3:HeadObject':
      case 's3:GetObject':
        return this.#get(request, id);
      case 's3:ListObjectsV2':
        return this.#list(request, bucket);
      case 's3:DeleteObject':
        this.objects.delete(id);
        return { status: 204 };
      case 's3:CreateMultipartUpload':
        return this.#begin(request, id);
      case 's3:ListMultipartUploads':
        return this.#listUploads(request, bucket);
      case 's3:UploadPart':
        return this.#putPart(request, id);
      case 's3:ListParts':
        return this.#listParts(request, id);
      case 's3:CompleteMultipartUpload':
        return this.#complete(request, id);
      case 's3:AbortMultipartUpload':
        return this.uploads.delete(request.query.get('uploadId') ?? '')
          ? { status: 204 }
          : failure(404, 'NoSuchUpload');
      default:
        return failure(501, 'NotImplemented');
    }
  }

  #refusal({ headers, operation }: EmulatedRequest, bucket: string): EmulatedAnswer | undefined {
    const signer = signerOf(headers['authorization']);
    // Putting with tags needs a permission of its own beside that of putting.
    const isTagging = headers['x-amz-tagging'] !== undefined;
    if (isTagging && refusalOf(this.#keys, signer, 's3:PutObjectTagging') === 'denied') {
      const text = 'User: me is not authorized to perform: s3:PutObjectTagging on the resource';
      return failure(403, 'AccessDenied', text);
    }
    switch (refusalOf(this.#keys, signer, operation)) {
      case 'missing':
      case 'denied':
        return failure(403, 'AccessDenied', 'Access Denied');
      case 'unknown':
        return failure(403, 'InvalidAccessKeyId', 'The access key you provided does not exist.');
      case 'expired':
        return failure(400, 'ExpiredToken', 'The provided token has expired.');
      case undefined:
    }
    const region = this.buckets.get(bucket);
    if (region === undefined) return failure(404, 'NoSuchBucket', 'The bucket does not exist');
    if (region === signer?.region) return undefined;
    return {
      ...failure(301, 'PermanentRedirect', 'The bucket must be addressed by another endpoint.'),
      headers: { 'content-type': 'application/xml', 'x-amz-bucket-region': region },
    };
  }

  /** Two keys a page, so that who lists must ask for the next one. */
  #list({ query }: EmulatedRequest, bucket: string): EmulatedAnswer {
    const prefix = `${bucket}/${query.get('prefix') ?? ''}`;
    const after = `${bucket}/${query.get('continuation-token') ?? ''}`;
    const ids = [...this.objects.keys()].filter((id) => id.startsWith(prefix) && id > after).sort();
    const page = ids.slice(0, 2);
    const isTruncated = page.length < ids.length;
    const keys = page.map((id) => id.slice(bucket.length + 1));
    const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
    const next = isTruncated ? `<NextContinuationToken>${keys.at(-1)}</NextContinuationToken>` : '';
    return xml(
      `<ListBucketResult>${contents}<KeyCount>${keys.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>${next}</ListBucketResult>`,
    );
  }

  #put(request: EmulatedRequest, id: string): EmulatedAnswer {
    const received = receive(request);
    if ('status' in received) return received;
    const tags = tagsOf(request.headers['x-amz-tagging']);
    if (typeof tags === 'string') return failure(400, tags);
    const { data, checksums } = received;
    if (request.headers['if-none-match'] === '*' && this.objects.has(id)) return taken();
    const etag = `"${md5(data)}"`;
    const own =
      Object.keys(checksums).length > 0 ? checksums : { crc64nvme: checksum('crc64nvme', data) };
    this.objects.set(id, {
      data,
      etag,
      checksums: own,
      checksumType: 'FULL_OBJECT',
      headers: keptHeaders(request),
      tags,
    });
    return { status: 200, headers: { etag, ...checksumHeaders(own) } };
  }

  #putTags({ body, headers }: EmulatedRequest, id: string): EmulatedAnswer {
    const object = this.objects.get(id);
    if (!object) return failure(404, 'NoSuchKey');
    // S3 wants a checksum of what is set.
    const hasChecksum =
      headers['content-md5'] !== undefined ||
      ALGORITHMS.some((one) => headers[`x-amz-checksum-${one}`] !== undefined);
    if (!hasChecksum) return failure(400, 'InvalidRequest', 'Missing required header: Content-MD5');
    this.objects.set(id, { ...object, tags: tagsOfSet(body.toString('utf8')) });
    return { status: 200 };
  }

  #get({ method, headers }: EmulatedRequest, id: string): EmulatedAnswer {
    const object = this.objects.get(id);
    if (!object) return failure(404, method === 'HEAD' ? 'NotFound' : 'NoSuchKey');
    const isAsked = headers['x-amz-checksum-mode'] === 'ENABLED';
    return {
      status: 200,
      headers: {
        ...object.headers,
        'content-length': String(object.data.length),
        etag: object.etag,
        ...(isAsked
          ? { ...checksumHeaders(object.checksums), 'x-amz-checksum-type': object.checksumType }
          : {}),
      },
      body: object.data,
    };
  }

  #begin(request: EmulatedRequest, key: string): EmulatedAnswer {
    const uploadId = randomUUID();
    const named = request.headers['x-amz-checksum-algorithm']?.toLowerCase();
    const algorithm = ALGORITHMS.find((one) => one === named);
    const tags = tagsOf(request.headers['x-amz-tagging']);
    if (typeof tags === 'string') return failure(400, tags);
    const headers = keptHeaders(request);
    this.uploads.set(uploadId, { key, algorithm, headers, tags, parts: new Map() });
    return xml(
      `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
    );
  }

  /** By key, uploads of one key by id; S3 wants both markers to go on within a key. */
  #listUploads({ query }: EmulatedRequest, bucket: string): EmulatedAnswer {
    const prefix = query.get('prefix') ?? '';
    const keyMarker = query.get('key-marker') ?? '';
    const idMarker = query.get('upload-id-marker') ?? '';
    const isBehind = (key: string, id: string): boolean =>
      key > keyMarker || (key === keyMarker && idMarker !== '' && id > idMarker);
    const all = [...this.uploads]
      .map(([id, upload]) => ({ id, key: upload.key.slice(bucket.length + 1), of: upload.key }))
      .filter(({ of, key, id }) => of.startsWith(`${bucket}/${prefix}`) && isBehind(key, id))
      .sort((a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : a.key < b.key ? -1 : 1));
    const page = all.slice(0, Math.min(this.pageSize, Number(query.get('max-uploads') ?? 1000)));
    const last = page.at(-1);
    const isTruncated = page.length < all.length;
    const items = page.map(
      ({ id, key }) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    const next =
      isTruncated && last
        ? `<NextKeyMarker>${last.key}</NextKeyMarker><NextUploadIdMarker>${last.id}</NextUploadIdMarker>`
        : '';
    return xml(
      `<ListMultipartUploadsResult>${items.join('')}<IsTruncated>${isTruncated}</IsTruncated>${next}</ListMultipartUploadsResult>`,
    );
  }

  #putPart(request: EmulatedRequest, key: string): EmulatedAnswer {
    const upload = this.uploads.get(request.query.get('uploadId') ?? '');
    if (upload?.key !== key) return failure(404, 'NoSuchUpload');
    const number = Number(request.query.get('partNumber'));
    if (!Number.isInteger(number) || number < 1 || number > 10_000) {
      return failure(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000');
    }
    const received = receive(request);
    if ('status' in received) return received;
    const { data, checksums } = received;
    if (upload.algorithm !== undefined && checksums[upload.algorithm] === undefined) {
      return failure(400, 'InvalidRequest', `Checksum Type mismatch, expected ${upload.algorithm}`);
    }
    const etag = `"${md5(data)}"`;
    upload.parts.set(number, { data, etag, checksums });
    return { status: 200, headers: { etag, ...checksumHeaders(checksums) } };
  }

  #listParts({ query }: EmulatedRequest, key: string): EmulatedAnswer {
    const upload = this.uploads.get(query.get('uploadId') ?? '');
    if (upload?.key !== key) return failure(404, 'NoSuchUpload');
    const marker = Number(query.get('part-number-marker') ?? 0);
    const all = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
    const page = all.slice(0, this.pageSize);
    const parts = page.map(
      ([number, { data, etag, checksums }]) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag><Size>${data.length}</Size>${Object.entries(
          checksums,
        )
          .map(
            ([name, value]) =>
              `<Checksum${name.toUpperCase()}>${value}</Checksum${name.toUpperCase()}>`,
          )
          .join('')}</Part>`,
    );
    const isTruncated = page.length < all.length;
    const next = isTruncated
      ? `<NextPartNumberMarker>${page.at(-1)![0]}</NextPartNumberMarker>`
      : '';
    return xml(
      `<ListPartsResult>${parts.join('')}<IsTruncated>${isTruncated}</IsTruncated>${next}</ListPartsResult>`,
    );
  }

  #complete({ query, headers, body }: EmulatedRequest, key: string): EmulatedAnswer {
    const uploadId = query.get('uploadId') ?? '';
    const upload = this.uploads.get(uploadId);
    if (upload?.key !== key) return failure(404, 'NoSuchUpload');
    if (headers['if-none-match'] === '*' && this.objects.has(key)) return taken();
    const object = assemble(upload, completedParts(body.toString('utf8')));
    if (typeof object === 'string') return failure(400, object);
    this.objects.set(key, object);
    this.uploads.delete(uploadId);
    const sums = Object.entries(object.checksums)
      .map(
        ([name, value]) =>
          `<Checksum${name.toUpperCase()}>${value}</Checksum${name.toUpperCase()}>`,
      )
      .join('');
    return xml(
      `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>${object.etag}</ETag>${sums}<ChecksumType>${object.checksumType}</ChecksumType></CompleteMultipartUploadResult>`,
    );
  }
}

type Checksums = Partial<Record<ChecksumAlgorithm, string>>;

/** The content of a put, decoded and compared with every sum that came with it; or the refusal. */
function receive({
  headers,
  body,
}: EmulatedRequest): { readonly data: Buffer; readonly checksums: Checksums } | EmulatedAnswer {
  const declared = headers['x-amz-content-sha256'] ?? '';
  const isStreamed = declared.startsWith('STREAMING-');
  const decoded = isStreamed ? decodeAwsChunked(body) : { data: body, trailers: {} };
  if (!decoded) return failure(400, 'IncompleteBody', 'The body is no whole aws-chunked body');
  const { data, trailers } = decoded;
  const length = headers['x-amz-decoded-content-length'];
  if (isStreamed && Number(length) !== data.length) return failure(400, 'IncompleteBody');
  const isHashed = /^[0-9a-f]{64}$/.test(declared);
  if (isHashed && createHash('sha256').update(data).digest('hex') !== declared) {
    return failure(400, 'XAmzContentSHA256Mismatch');
  }
  const checksums: Checksums = {};
  for (const algorithm of ALGORITHMS) {
    const name = `x-amz-checksum-${algorithm}`;
    const given = headers[name] ?? (trailers as Record<string, string>)[name];
    if (given === undefined) continue;
    if (given !== checksum(algorithm, data)) {
      const text = `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`;
      return failure(400, 'BadDigest', text);
    }
    checksums[algorithm] = given;
  }
  return { data, checksums };
}

const keptHeaders = ({ headers }: EmulatedRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value !== undefined && (name.startsWith('x-amz-meta-') || name === 'content-type')
        ? [[name, value]]
        : [],
    ),
  );

const checksumHeaders = (checksums: Checksums): Record<string, string> =>
  Object.fromEntries(
    Object.entries(checksums).map(([name, value]) => [`x-amz-checksum-${name}`, value]),
  );

const taken = (): EmulatedAnswer =>
  failure(
    412,
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
  );

const xml = (body: string): EmulatedAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
});

export const failure = (status: number, code: string, message = code): EmulatedAnswer => ({
  ...xml(
    `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>r</RequestId></Error>`,
  ),
  status,
});
