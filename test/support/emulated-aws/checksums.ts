import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** CRC-64/NVME: reflected polynomial 0x9a6c9329ac4bc9b5, all ones in and out (NVM Express base 2.0, 5.2.1.3.4). */
const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index);
  for (let bit = 0; bit < 8; bit += 1)
    value = value & 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
  return value;
});

export function crc64nvme(data: Uint8Array): Buffer {
  let sum = 0xffff_ffff_ffff_ffffn;
  for (const byte of data) sum = TABLE[Number((sum ^ BigInt(byte)) & 0xffn)]! ^ (sum >> 8n);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(sum ^ 0xffff_ffff_ffff_ffffn);
  return bytes;
}

export const ALGORITHMS = ['sha256', 'sha1', 'crc32', 'crc64nvme'] as const;
export type ChecksumAlgorithm = (typeof ALGORITHMS)[number];

/** As S3 writes it: base64. */
export function checksum(algorithm: ChecksumAlgorithm, data: Uint8Array): string {
  switch (algorithm) {
    case 'crc64nvme':
      return crc64nvme(data).toString('base64');
    case 'crc32': {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc32(data));
      return bytes.toString('base64');
    }
    case 'sha1':
    case 'sha256':
      return createHash(algorithm).update(data).digest('base64');
  }
}
