import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { PACKAGE_ARCHIVE_LIMITS } from '../../../component/contract/package-archive-limits.ts';
import { describeModel } from '../../../component/inference/describe-model.ts';
import { unpackArchive } from '../../../component/inference/package/unpack-archive.ts';
import { buildTar, buildZip } from '../../support/archive-builder.ts';
import type { TarEntry, ZipEntry } from '../../support/archive-builder.ts';

const runs = process.env['VEDETTE_DEEP'] === '1' ? 5000 : 150;
const { maxFiles, maxDepth, maxPathBytes } = PACKAGE_ARCHIVE_LIMITS;
const weights = Buffer.from(Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i)).buffer);
const files = { 'model.json': Buffer.from('{}'), 'onnx/model.onnx': weights };

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vedette-archives-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

async function unpack(bytes: Uint8Array) {
  count += 1;
  const archive = join(root, `${count}.archive`);
  const folder = join(root, `${count}`);
  await writeFile(archive, bytes);
  return { written: await unpackArchive(archive, folder), folder };
}

/** Refused with a code and nothing left on the disk. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const error: unknown = await unpack(bytes).then(
    () => new Error('it was unpacked'),
    (thrown: unknown) => thrown,
  );
  expect(await readdir(root)).not.toContain(String(count));
  if (error instanceof VedetteError) return `${error.code} ${error.message}`;
  throw error;
}

const zipOf = (more: Partial<ZipEntry> = {}, isZip64 = false) =>
  buildZip(
    Object.entries(files).map(([name, data]) => ({ name, data, isDeflated: true, ...more })),
    isZip64,
  );
const tarOf = (...more: TarEntry[]) =>
  buildTar([...Object.entries(files).map(([name, data]) => ({ name, data })), ...more]);

/** Several times what is read at once. */
const large = Buffer.alloc(1_000_000);
const sparse = { name: 'weights', type: 'S', data: weights };
const longName = (path: string): TarEntry[] => {
  const line = ` path=${path}\n`;
  const data = Buffer.from(`${line.length + 3}${line}`);
  return [{ name: 'pax', type: 'x', data }, { name: 'short' }];
};

const withEntry = (entry: ZipEntry) =>
  buildZip([{ name: 'model.json', data: files['model.json'] }, entry]);

describe('an archive of a model package', () => {
  test.each([
    ['zip, deflated', () => zipOf()],
    ['zip, stored', () => zipOf({ isDeflated: false })],
    ['zip64', () => zipOf({ isZip64: true }, true)],
    [
      'zip with entries for folders',
      () => Buffer.from(buildZip([{ name: 'onnx/', mode: 0o40755 }, ...entriesOf()])),
    ],
    ['tar', () => tarOf()],
    ['tar.gz', () => gzipSync(tarOf())],
    [
      'tar with folders and leading ./',
      () =>
        buildTar([
          { name: './', type: '5' },
          { name: './onnx/', type: '5' },
          ...Object.entries(files).map(([name, data]) => ({ name: `./${name}`, data })),
        ]),
    ],
    [
      'tar with a name in a pax header',
      () =>
        buildTar([
          { name: 'pax', type: 'x', data: Buffer.from('19 path=model.json\n') },
          { name: 'short', data: files['model.json'] },
          { name: 'onnx/model.onnx', data: weights },
        ]),
    ],
  ])('is unpacked: %s', async (_, build) => {
    const { written, folder } = await unpack(build());
    expect(written.map(({ path }) => path).sort()).toEqual(Object.keys(files).sort());
    for (const { path, byteLength, sha256 } of written) {
      const bytes = await readFile(join(folder, path));
      expect(bytes.equals(files[path as keyof typeof files]), path).toBe(true);
      expect(byteLength).toBe(bytes.length);
      expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });

  test.each([
    ['a path that leads out', () => withEntry({ name: '../x' }), /INVALID.*\.\.\/x/],
    ['a path that leads out, deep', () => withEntry({ name: 'a/../../x' }), /INVALID/],
    ['an absolute path', () => withEntry({ name: '/etc/passwd' }), /INVALID.*\/etc\/passwd/],
    ['a backslash', () => withEntry({ name: 'a\\..\\x' }), /INVALID/],
    ['an empty part', () => withEntry({ name: 'a//x' }), /INVALID.*'a\/\/x' is no path/],
    ['a name twice', () => withEntry({ name: 'model.json' }), /'model.json' stands in it twice/],
    [
      'a file that is a folder too',
      () => withEntry({ name: 'model.json/x' }),
      /'model.json' is both a file and a folder/,
    ],
    [
      'a symbolic link',
      () => withEntry({ name: 'l', data: Buffer.from('/etc/passwd'), mode: 0o120777 }),
      /'l' is a link/,
    ],
    [
      'an encrypted file',
      () => withEntry({ name: 'x', flags: 1, data: weights, isDeflated: true }),
      /'x' is encrypted/,
    ],
    ['a method of compression', () => withEntry({ name: 'x', method: 12 }), /method 12/],
    ['a wrong checksum', () => zipOf({ crc: 1 }), /is damaged \(its CRC-32 is \d+, expected 1\)/],
    ['a wrong size', () => zipOf({ announcedBytes: 1 }), /INVALID.*damaged/],
    [
      'too many files',
      () => buildZip(Array.from({ length: maxFiles + 1 }, (_, i) => ({ name: `f${i}` }))),
      /TOO_LARGE.*has 4097 entries, at most 4096/,
    ],
    [
      'too many folders in folders',
      () => withEntry({ name: `${'a/'.repeat(maxDepth)}x` }),
      /TOO_LARGE.*9 names deep, at most 8/,
    ],
    [
      'a path that is too long',
      () => withEntry({ name: 'é'.repeat(128) }),
      /TOO_LARGE.*a path of 256 bytes, at most 255/,
    ],
    [
      'a zip bomb that says so',
      () => withEntry({ name: 'x', data: Buffer.alloc(64 * 1024 * 1024), isDeflated: true }),
      /TOO_LARGE.*zip bomb/,
    ],
    [
      'sizes beyond what is read',
      () => withEntry({ name: 'x', announcedBytes: 2 ** 40, isZip64: true, isDeflated: true }),
      /TOO_LARGE/,
    ],
    ['another format', () => Buffer.from('Rar!\x1a\x07\x00 and more'), /no zip, tar or tar.gz/],
    ['nothing', () => Buffer.alloc(0), /no zip, tar or tar.gz/],
    ['no file', () => buildZip([]), /it holds no file/],
  ])('is refused with nothing written: %s', async (_, build, message) => {
    expect(await refusal(build())).toMatch(message);
  });

  test.each([
    ['a path that leads out', () => tarOf({ name: '../x' }), /INVALID.*'\.\.\/x' is no path/],
    ['an absolute path', () => tarOf({ name: '/etc/x' }), /'\/etc\/x' is no path/],
    ['a name twice', () => tarOf({ name: 'model.json' }), /stands in it twice/],
    [
      'a symbolic link',
      () => tarOf({ name: 'l', type: '2', linkName: '/etc/passwd' }),
      /'l' is a link/,
    ],
    ['a hard link', () => tarOf({ name: 'l', type: '1', linkName: 'model.json' }), /is a link/],
    ['a device', () => tarOf({ name: 'd', type: '3' }), /INVALID/],
    [
      'a sparse file',
      () => buildTar([sparse, { name: 'rest', data: large }]),
      /INVALID.*'weights' is of the kind SparseFile, only plain files/,
    ],
    [
      'a header beyond the limit',
      () => tarOf({ name: 'pax', type: 'x', data: Buffer.alloc(70_000) }, { name: 'x' }),
      /INVALID.*'pax' is a header \(ExtendedHeader\) of 70000 bytes, at most 65536/,
    ],
    [
      'a path that is too long',
      () => tarOf(...longName('x'.repeat(maxPathBytes + 1))),
      /TOO_LARGE.*a path of 256 bytes/,
    ],
    ['a damaged header', () => tarOf().fill(0xff, 1024, 1100), /damaged/],
    ['an end in the middle', () => tarOf().subarray(0, 4000), /cut short/],
    ['a gzip that ends in the middle', () => gzipSync(tarOf()).subarray(0, 3000), /cut short/],
    [
      'a bomb',
      () => gzipSync(tarOf({ name: 'x', data: Buffer.alloc(64 * 1024 * 1024) })),
      /TOO_LARGE.*zip bomb/,
    ],
  ])('is refused as a tar with nothing written: %s', async (_, build, message) => {
    expect(await refusal(build())).toMatch(message);
  });

  test('a zip bomb that lies about its size is stopped at what it announced', async () => {
    const zip = withEntry({
      name: 'x',
      data: Buffer.alloc(64 * 1024 * 1024),
      isDeflated: true,
      announcedBytes: 100,
    });
    expect(await refusal(zip)).toMatch(/^MODEL_ARCHIVE_INVALID .*'x' is damaged/);
  });

  test('cut short anywhere it is refused', async () => {
    const zip = zipOf();
    for (let length = 1; length < zip.length; length += 997) {
      expect(await refusal(zip.subarray(0, length))).toMatch(/^MODEL_ARCHIVE_/);
    }
  });

  test('with any bytes changed it is unpacked or refused with a code, never a crash', async () => {
    const archives = [zipOf(), tarOf(), gzipSync(tarOf())];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(archives.length - 1),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
          minLength: 1,
          maxLength: 8,
        }),
        async (which, changes) => {
          const bytes = Buffer.from(archives[which]!);
          for (const [place, value] of changes) {
            bytes[Math.min(bytes.length - 1, Math.floor(place * bytes.length))] = value;
          }
          const error: unknown = await unpack(bytes).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          if (error !== undefined) expect(error).toBeInstanceOf(VedetteError);
        },
      ),
      { numRuns: runs },
    );
  });
});

function entriesOf(): ZipEntry[] {
  return Object.entries(files).map(([name, data]) => ({ name, data }));
}

describe('inspecting an archive', () => {
  test('shows the package in it, at the top or in one folder', async () => {
    const sample = join(import.meta.dirname, '../../../samples/models/brick-anomaly');
    const names = await readdir(sample, { recursive: true, withFileTypes: true });
    const entries = await Promise.all(
      names
        .filter((entry) => entry.isFile())
        .map(async (entry) => {
          const path = join(entry.parentPath, entry.name);
          return { name: relative(sample, path), data: await readFile(path) };
        }),
    );
    const top = join(root, 'top.zip');
    const inner = join(root, 'inner.tar.gz');
    await writeFile(top, buildZip(entries));
    await writeFile(
      inner,
      gzipSync(buildTar(entries.map((one) => ({ ...one, name: `brick/${one.name}` })))),
    );
    for (const path of [top, inner]) {
      const { manifest, problem } = await describeModel(path);
      expect(problem).toBeUndefined();
      expect(manifest?.name).toBe('brick-anomaly');
    }
  });
});
