import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { unpackArchive } from '../../../component/inference/package/unpack-archive.ts';
import { packArchive } from '../../../cloud-publisher/package/packed-archive.ts';
import { writeStoredZip } from '../../../cloud-publisher/package/write-stored-zip.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
let folder = '';
let count = 0;
const fresh = (): string => join(folder, `${(count += 1)}.zip`);
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-zip-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a stored zip', () => {
  it('has exactly these bytes: known answer of a zip with one file', async () => {
    const target = fresh();
    const bytes = Buffer.from('vedette');
    const written = await writeStoredZip(target, [{ path: 'a.txt', content: { bytes } }]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32(bytes));
    const shared = `0008000000002100${sum.toString('hex')}0700000007000000050000 00`;
    const expected = [
      `504b03041400${shared}612e747874${bytes.toString('hex')}`,
      `504b010214031400${shared}0000000000000000a48100000000612e747874`,
      '504b050600000000010001003300000 02a0000000000',
    ];
    const hex = expected.join('').replaceAll(' ', '');
    expect((await readFile(target)).toString('hex')).toBe(hex);
    expect(written).toEqual({
      byteLength: hex.length / 2,
      sha256: sha256(Buffer.from(hex, 'hex')),
      files: [{ path: 'a.txt', byteLength: 7, crc32: crc32(bytes), sha256: sha256(bytes) }],
    });
  });

  it('has the same bytes whatever the order, time, mode, umask and time zone of its files', async () => {
    const entry = fc.tuple(
      fc.stringMatching(/^[a-zé][a-z0-9._-]{0,12}(\/[a-z]{1,5})?$/u),
      fc.uint8Array({ maxLength: 3000 }),
    );
    const isolated = (names: readonly string[]) =>
      names.every((one) => !names.some((other) => other.startsWith(`${one}/`)));
    const files = fc
      .uniqueArray(entry, { selector: ([name]) => name, minLength: 1, maxLength: 12 })
      .filter((list) => isolated(list.map(([name]) => name)));
    await fc.assert(
      fc.asyncProperty(files, fc.infiniteStream(fc.nat()), async (list, chance) => {
        const place = await mkdtemp(join(folder, 'files-'));
        const sources = [];
        for (const [index, [path, bytes]] of list.entries()) {
          const file = join(place, String(index));
          await writeFile(file, bytes);
          sources.push({ path, content: { file } });
        }
        const first = await writeStoredZip(fresh(), sources);
        for (const { content } of sources) {
          await utimes(content.file, chance.next().value % 2e9, chance.next().value % 2e9);
          await chmod(content.file, 0o600 + (chance.next().value % 0o100));
        }
        const mixed = sources.toSorted(() => (chance.next().value % 3) - 1);
        const umask = process.umask(chance.next().value % 0o70);
        const zone = process.env['TZ'];
        process.env['TZ'] = ['Asia/Tokyo', 'America/Lima', 'UTC'][chance.next().value % 3];
        try {
          expect(await writeStoredZip(fresh(), mixed)).toEqual(first);
        } finally {
          process.umask(umask);
          if (zone === undefined) delete process.env['TZ'];
          else process.env['TZ'] = zone;
        }
      }),
      { numRuns: isDeep ? 1000 : 100 },
    );
  });

  it('is read by the device, by unzip and by Python, byte for byte', async () => {
    const target = fresh();
    const big = Buffer.alloc(3_000_000, 'vedette weights ');
    const source = join(folder, 'big.bin');
    await writeFile(source, big);
    await writeStoredZip(target, [
      { path: 'stage/model.onnx', content: { file: source } },
      { path: 'empty.txt', content: { bytes: Buffer.alloc(0) } },
      { path: 'größe.txt', content: { bytes: Buffer.from('ü') } },
    ]);
    const files = await unpackArchive(target, join(folder, 'unpacked'));
    expect(files.map(({ path }) => path)).toEqual(['empty.txt', 'größe.txt', 'stage/model.onnx']);
    expect(files[2]!.sha256).toBe(sha256(big));
    const listed = execFileSync('/usr/bin/python3', [
      '-c',
      'import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint("|".join(z.namelist()))',
      target,
    ]);
    expect(listed.toString().trim()).toBe('empty.txt|größe.txt|stage/model.onnx');
  });

  it('is refused, and leaves nothing, when a file changes while it is packed', async () => {
    const source = join(folder, 'changing.bin');
    await writeFile(source, Buffer.alloc(4_000_000));
    const target = fresh();
    const writing = writeStoredZip(target, [{ path: 'm.onnx', content: { file: source } }]);
    await truncate(source, 3_999_999);
    const outcome = await writing.catch((error: unknown) => error);
    // It may be cut before the first look as well: then it is a smaller file, not a broken archive.
    if (outcome instanceof VedetteError) {
      expect(outcome.code).toBe('MODEL_PACKAGE_INVALID');
      await expect(stat(target)).rejects.toThrow('ENOENT');
    } else {
      expect((await unpackArchive(target, join(folder, 'cut')))[0]!.byteLength).toBe(3_999_999);
    }
  });

  it('is refused when a device would refuse it, such as for a path that leads out', async () => {
    const pack = (path: string) =>
      packArchive(folder, 'x.zip', [{ path, content: { bytes: Buffer.from('x') } }]);
    await expect(pack('../evil')).rejects.toMatchObject({ code: 'MODEL_ARCHIVE_INVALID' });
    await expect(pack('a/b/c/d/e/f/g/h/i')).rejects.toMatchObject({
      code: 'MODEL_ARCHIVE_TOO_LARGE',
    });
  });

  it.runIf(isDeep)('of a gigabyte is packed within 150 MB of memory', async () => {
    const source = join(folder, 'gigabyte.bin');
    await writeFile(source, '');
    await truncate(source, 1_000_000_000);
    const module = new URL('../../../cloud-publisher/package/packed-archive.ts', import.meta.url);
    const script = [
      `import { packArchive } from ${JSON.stringify(module.href)};`,
      `await packArchive(${JSON.stringify(join(folder, 'large'))}, 'm.zip', [{ path: 'm.onnx', content: { file: ${JSON.stringify(source)} } }]);`,
      'console.log(process.resourceUsage().maxRSS / 1024);',
    ].join('\n');
    const args = ['--input-type=module', '--eval', script];
    const megabytes = Number(execFileSync(process.execPath, args).toString());
    expect(megabytes).toBeGreaterThan(30);
    expect(megabytes).toBeLessThan(150);
  });

  it.runIf(isDeep)('holds files beyond 4 GiB (zip64), as Python reads them', async () => {
    const source = join(folder, 'huge.bin');
    await writeFile(source, '');
    await truncate(source, 4 * 1024 ** 3 + 5);
    const target = fresh();
    await writeStoredZip(target, [
      { path: 'huge.onnx', content: { file: source } },
      { path: 'later.txt', content: { bytes: Buffer.from('behind it') } },
    ]);
    const script = [
      'import sys,zipfile',
      'z=zipfile.ZipFile(sys.argv[1])',
      'assert z.testzip() is None',
      'print(z.getinfo("huge.onnx").file_size, z.read("later.txt").decode())',
    ].join('\n');
    const read = execFileSync('/usr/bin/python3', ['-c', script, target]);
    expect(read.toString().trim()).toBe(`${4 * 1024 ** 3 + 5} behind it`);
  });
});
