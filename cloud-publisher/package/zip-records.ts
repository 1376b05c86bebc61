/**
 * Records of a zip with stored entries (PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16). What other
 * writers take from the machine is fixed here: time 1980-01-01 00:00, mode 0644, made by Unix.
 */

/** 1980-01-01 00:00:00 as MS-DOS writes it: the first date that a zip can hold. */
const DOS_TIME = 0;
const DOS_DATE = (1 << 5) | 1;
/** Names are UTF-8. */
const FLAGS = 0x0800;
const REGULAR_0644 = (0o100644 << 16) >>> 0;
const MADE_BY_UNIX = 3 << 8;
const VERSION = 20;
const VERSION_ZIP64 = 45;
const MAX_32 = 0xffff_ffff;
const MAX_16 = 0xffff;

export interface StoredEntry {
  /** Path in the archive, with `/`. */
  readonly path: string;
  readonly byteLength: number;
  readonly crc32: number;
  /** Where its local header begins. */
  readonly offset: number;
}

const isLarge = (bytes: number): boolean => bytes >= MAX_32;

/** The header before an entry's bytes; with a 64-bit extra field only from 4 GiB on. */
export function localHeader({ path, byteLength, crc32 }: Omit<StoredEntry, 'offset'>): Buffer {
  const name = Buffer.from(path);
  const extra = isLarge(byteLength) ? extra64([byteLength, byteLength]) : Buffer.alloc(0);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(isLarge(byteLength) ? VERSION_ZIP64 : VERSION, 4);
  writeShared(header, 6, { byteLength, crc32 }, name.length, extra.length);
  return Buffer.concat([header, name, extra]);
}

/** The directory of all entries and its end, for an archive whose entries take `directoryOffset` bytes. */
export function directory(entries: readonly StoredEntry[], directoryOffset: number): Buffer {
  const records = entries.map(centralHeader);
  const byteLength = records.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries.length, MAX_16), 8);
  end.writeUInt16LE(Math.min(entries.length, MAX_16), 10);
  end.writeUInt32LE(Math.min(byteLength, MAX_32), 12);
  end.writeUInt32LE(Math.min(directoryOffset, MAX_32), 16);
  const needs64 = isLarge(directoryOffset) || entries.length >= MAX_16;
  const end64 = needs64 ? directoryEnd64(entries.length, byteLength, directoryOffset) : [];
  return Buffer.concat([...records, ...end64, end]);
}

function centralHeader({ path, byteLength, crc32, offset }: StoredEntry): Buffer {
  const name = Buffer.from(path);
  const large = [
    ...(isLarge(byteLength) ? [byteLength, byteLength] : []),
    ...(isLarge(offset) ? [offset] : []),
  ];
  const extra = large.length > 0 ? extra64(large) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  const version = large.length > 0 ? VERSION_ZIP64 : VERSION;
  header.writeUInt16LE(MADE_BY_UNIX | version, 4);
  header.writeUInt16LE(version, 6);
  writeShared(header, 8, { byteLength, crc32 }, name.length, extra.length);
  header.writeUInt32LE(REGULAR_0644, 38);
  header.writeUInt32LE(Math.min(offset, MAX_32), 42);
  return Buffer.concat([header, name, extra]);
}

/** Flags to lengths: the same 22 bytes in both headers. Method 0 is stored. */
function writeShared(
  header: Buffer,
  at: number,
  { byteLength, crc32 }: { readonly byteLength: number; readonly crc32: number },
  nameBytes: number,
  extraBytes: number,
): void {
  header.writeUInt16LE(FLAGS, at);
  header.writeUInt16LE(0, at + 2);
  header.writeUInt16LE(DOS_TIME, at + 4);
  header.writeUInt16LE(DOS_DATE, at + 6);
  header.writeUInt32LE(crc32, at + 8);
  header.writeUInt32LE(Math.min(byteLength, MAX_32), at + 12);
  header.writeUInt32LE(Math.min(byteLength, MAX_32), at + 16);
  header.writeUInt16LE(nameBytes, at + 20);
  header.writeUInt16LE(extraBytes, at + 22);
}

function extra64(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  for (const [index, value] of values.entries()) {
    extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
  }
  return extra;
}

function directoryEnd64(count: number, byteLength: number, offset: number): Buffer[] {
  const end = Buffer.alloc(56);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(MADE_BY_UNIX | VERSION_ZIP64, 12);
  end.writeUInt16LE(VERSION_ZIP64, 14);
  end.writeBigUInt64LE(BigInt(count), 24);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(byteLength), 40);
  end.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + byteLength), 8);
  locator.writeUInt32LE(1, 16);
  return [end, locator];
}
