/**
 * Writes zip and tar archives for tests byte by byte, so that one with any property, wanted or not,
 * can be made. Zip: PKWARE's APPNOTE.TXT; tar: POSIX ustar.
 */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly isDeflated?: boolean;
  /** Unix mode with its type bits; a regular file when absent. */
  readonly mode?: number;
  /** Bit 0 is set when encrypted. */
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly announcedBytes?: number;
  /** Sizes and place in the 64-bit extra field. */
  readonly isZip64?: boolean;
}

export function buildZip(entries: readonly ZipEntry[], isZip64 = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const data = entry.data ?? Buffer.alloc(0);
    const packed = entry.isDeflated ? deflateRawSync(data) : Buffer.from(data);
    const name = Buffer.from(entry.name);
    const method = entry.method ?? (entry.isDeflated ? 8 : 0);
    const flags = (entry.flags ?? 0) | 0x800;
    const sum = entry.crc ?? crc32(data);
    const size = entry.announcedBytes ?? data.length;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(sum, 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(Math.min(size, 0xffffffff), 22);
    local.writeUInt16LE(name.length, 26);
    parts.push(local, name, packed);
    const extra = entry.isZip64 ? Buffer.alloc(28) : Buffer.alloc(0);
    if (entry.isZip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(size), 4);
      extra.writeBigUInt64LE(BigInt(packed.length), 12);
      extra.writeBigUInt64LE(BigInt(offset), 20);
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((3 << 8) | 45, 4);
    central.writeUInt16LE(20, 6);
    central.writeUInt16LE(flags, 8);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(sum, 16);
    central.writeUInt32LE(entry.isZip64 ? 0xffffffff : packed.length, 20);
    central.writeUInt32LE(entry.isZip64 ? 0xffffffff : size, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 38);
    central.writeUInt32LE(entry.isZip64 ? 0xffffffff : offset, 42);
    directory.push(central, name, extra);
    offset += local.length + name.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(isZip64 ? 0xffff : entries.length, 8);
  end.writeUInt16LE(isZip64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(isZip64 ? 0xffffffff : central.length, 12);
  end.writeUInt32LE(isZip64 ? 0xffffffff : offset, 16);
  return Buffer.concat([
    ...parts,
    central,
    ...(isZip64 ? [zip64End(entries.length, central.length, offset)] : []),
    end,
  ]);
}

function zip64End(count: number, byteLength: number, offset: number): Buffer {
  const end = Buffer.alloc(76);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(45, 12);
  end.writeUInt16LE(45, 14);
  end.writeBigUInt64LE(BigInt(count), 24);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(byteLength), 40);
  end.writeBigUInt64LE(BigInt(offset), 48);
  end.writeUInt32LE(0x07064b50, 56);
  end.writeBigUInt64LE(BigInt(offset + byteLength), 64);
  end.writeUInt32LE(1, 72);
  return end;
}

export interface TarEntry {
  readonly name: string;
  readonly data?: Uint8Array;
  /** `0` file, `1` hard link, `2` symbolic link, `5` folder, `x` pax header. */
  readonly type?: string;
  readonly linkName?: string;
}

export function buildTar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, data = Buffer.alloc(0), type = '0', linkName = '' } of entries) {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write('0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write(' '.repeat(8), 148);
    header.write(type, 156);
    header.write(linkName, 157, 100);
    header.write('ustar\0' + '00', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, Buffer.from(data), Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
