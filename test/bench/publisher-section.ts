import { execFile } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import path from 'node:path';
import { promisify } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { inParallel } from '../../component/object-store/in-parallel.ts';
import type { SourceFile } from '../../component/object-store/object-store.ts';
import { PART_BYTES } from '../../component/object-store/parted-file.ts';
import { S3Objects } from '../../component/object-store/s3-objects.ts';
import { ACCESS_KEY, BUCKET, REGION } from '../support/emulated-aws/emulated-aws.ts';
import { measureInterleaved, compare, type Timing } from './measure-interleaved.ts';
import { digits, percent } from './number-text.ts';
import { atMost } from './reach.ts';
import type { BenchContext, MeasuredTarget, Section, SectionReport } from './section.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

const MODEL_BYTES = 1_000_000_000;
const MAX_PEAK_BYTES = 150_000_000;
const UPLOAD_BYTES = 8 * PART_BYTES;
const PARTS_AT_ONCE = 4;
const ROUNDS = 5;

export const publisherSection: Section = {
  name: 'publisher',
  title: 'Packing a model of 1 GB, and sending one to S3',
  run: measurePublisher,
};

async function measurePublisher(context: BenchContext): Promise<SectionReport> {
  const folder = path.join(context.folder, 'publisher');
  mkdirSync(folder, { recursive: true });
  const packing = await measurePacking(context, folder);
  const sending = await measureSending(context, folder);
  const packed = compare(packing.peer, packing.ours);
  const sent = compare(sending.peer, sending.ours);
  const peak: MeasuredTarget = {
    what: 'peak memory of packing 1 GB',
    reach: `≤ ${MAX_PEAK_BYTES / 1e6} MB`,
    got: `${digits(packing.peakBytes / 1e6)} MB`,
    isReached: packing.peakBytes <= MAX_PEAK_BYTES,
    missedBy: `${digits((packing.peakBytes - MAX_PEAK_BYTES) / 1e6)} MB`,
  };
  return {
    method:
      'Packing: a file of 1 GB of random bytes becomes a package, in a process of its own that hashes, checks, writes and reads back; beside it `sha256sum` and `cp` of the same file. ' +
      `Sending: ${UPLOAD_BYTES / PART_BYTES} parts of 16 MiB, ${PARTS_AT_ONCE} at once, to the emulated S3 in a process of its own; beside it the same requests by bare HTTP with digests that were computed before. Both with the file in the cache of the system.`,
    tables: [
      table('work', 'MB/s', MODEL_BYTES, [packing.peer, packing.ours]),
      table('work', 'MB/s', UPLOAD_BYTES, [sending.peer, sending.ours]),
    ],
    targets: [
      peak,
      atMost('packing against `sha256sum` and `cp` (80 % of their speed)', 1 / 0.8, packed),
      atMost(
        'sending against bare requests (90 % of their speed)',
        1 / 0.9,
        sent,
        'bare requests have the bytes in memory and their digests, which are read and computed here: about as much processor time as half of what the server needs, and less beside it the fewer cores are free',
      ),
    ],
  };
}

function table(first: string, second: string, bytes: number, timings: readonly Timing[]) {
  const [peer, ours] = timings as [Timing, Timing];
  const speed = ({ medianMs }: Timing) => bytes / 1000 / medianMs;
  return {
    columns: [first, second],
    rows: timings.map((timing) => [timing.name, digits(speed(timing))]),
    says: `${ours.name} reaches ${percent(speed(ours) / speed(peer))} of the speed of ${peer.name}.`,
  };
}

async function measurePacking({ root, progress }: BenchContext, folder: string) {
  const file = path.join(folder, 'model.onnx');
  writeRandom(file, MODEL_BYTES);
  const [copy, packages] = [path.join(folder, 'copy'), path.join(folder, 'packages')];
  let peakBytes = 0;
  progress('packing 1 GB');
  const script = path.join(root, 'test/bench/pack-once.ts');
  const [peer, ours] = await measureInterleaved(
    [
      {
        name: '`sha256sum` and `cp`',
        run: async () => {
          await run('sha256sum', [file]);
          await run('cp', [file, copy]);
          rmSync(copy);
        },
      },
      {
        name: '`vedette`, packing',
        turn: async () => {
          const { stdout } = await run(process.execPath, [script, file, packages]);
          const once = JSON.parse(stdout) as { tookMs: number; peakBytes: number };
          peakBytes = Math.max(peakBytes, once.peakBytes);
          rmSync(packages, { recursive: true });
          return [once.tookMs];
        },
      },
    ],
    { rounds: ROUNDS, turnMs: 0 },
  );
  rmSync(file);
  return { peer: peer!, ours: ours!, peakBytes };
}

function writeRandom(file: string, byteLength: number): void {
  const block = randomFillSync(Buffer.alloc(1_000_000));
  const handle = openSync(file, 'w');
  for (let done = 0; done < byteLength; done += block.length) {
    block.writeUInt32LE(done / block.length);
    writeSync(handle, block, 0, Math.min(block.length, byteLength - done));
  }
  closeSync(handle);
}

async function measureSending({ root, progress }: BenchContext, folder: string) {
  const file = path.join(folder, 'archive.zip');
  writeRandom(file, UPLOAD_BYTES);
  const bytes = readFileSync(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const source: SourceFile = {
    file,
    fileName: 'archive.zip',
    byteLength: bytes.length,
    sha256,
    contentType: 'application/zip',
  };
  const program = path.join(root, 'test/bench/peers/emulated-s3.ts');
  const server = await ServerProcess.start({
    name: 'the emulated S3',
    command: process.execPath,
    args: [program],
    cwd: root,
    isInstrumented: false,
  });
  const bare = new BareS3(server.address);
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: 'emulated' };
  const client = new S3Client({
    region: REGION,
    endpoint: server.address,
    forcePathStyle: true,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const objects = new S3Objects({ client, bucket: BUCKET, prefix: '' });
  progress('sending 128 MiB');
  try {
    const parts = partsOf(bytes);
    const timed = async (key: string, send: () => Promise<unknown>): Promise<number[]> => {
      const startedAtMs = performance.now();
      await send();
      const tookMs = performance.now() - startedAtMs;
      await bare.send('DELETE', `/${key}`);
      return [tookMs];
    };
    const [peer, ours] = await measureInterleaved(
      [
        { name: 'bare requests', turn: () => timed('bare', () => bare.put('bare', parts)) },
        {
          name: '`vedette`, sending',
          turn: () => timed('ours', () => objects.putFile(source, 'ours')),
        },
      ],
      { rounds: ROUNDS, turnMs: 0 },
    );
    return { peer: peer!, ours: ours! };
  } finally {
    objects.close();
    bare.close();
    await server.close();
  }
}

interface BarePart {
  readonly bytes: Buffer;
  readonly sha256: Buffer;
}

function partsOf(bytes: Buffer): BarePart[] {
  const count = Math.ceil(bytes.length / PART_BYTES);
  return Array.from({ length: count }, (_, index) => {
    const part = bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
    return { bytes: part, sha256: createHash('sha256').update(part).digest() };
  });
}

/** What a multipart upload costs without anything that makes it safe. */
class BareS3 {
  readonly #address: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: PARTS_AT_ONCE });

  constructor(address: string) {
    this.#address = address;
  }

  async put(key: string, parts: readonly BarePart[]): Promise<void> {
    const begun = await this.send('POST', `/${key}?uploads`, {
      'x-amz-checksum-algorithm': 'SHA256',
    });
    const id = /<UploadId>([^<]+)/.exec(begun.text)![1]!;
    const tags: string[] = [];
    await inParallel(parts.length, PARTS_AT_ONCE, async (index) => {
      const { bytes, sha256 } = parts[index]!;
      const headers = {
        'x-amz-checksum-sha256': sha256.toString('base64'),
        'x-amz-content-sha256': sha256.toString('hex'),
        'content-length': String(bytes.length),
      };
      const target = `/${key}?partNumber=${index + 1}&uploadId=${id}`;
      tags[index] = (await this.send('PUT', target, headers, bytes)).etag;
    });
    const list = tags.map(
      (etag, index) =>
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag><ChecksumSHA256>${parts[index]!.sha256.toString('base64')}</ChecksumSHA256></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`);
    await this.send('POST', `/${key}?uploadId=${id}`, {}, body);
  }

  send(
    method: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Buffer,
  ): Promise<{ readonly text: string; readonly etag: string }> {
    const authorization = `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20260101/${REGION}/s3/aws4_request, SignedHeaders=host, Signature=0`;
    return new Promise((resolve, reject) => {
      const sent = request(
        `${this.#address}/${BUCKET}${target}`,
        { method, agent: this.#agent, headers: { authorization, ...headers } },
        (response) => void answered(response).then(resolve, reject),
      );
      sent.once('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function answered(response: IncomingMessage) {
  const said = await text(response);
  const { statusCode = 0, headers } = response;
  if (statusCode < 300) return { text: said, etag: headers.etag ?? '' };
  throw new Error(`the emulated S3 answered ${statusCode}: ${said}`);
}
