import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import {
  deliveredSchema,
  manifestSchema,
  type Delivered,
  type LedgerManifest,
} from '../../component/contract/delivery.ts';

export interface ReadLedger {
  readonly manifests: readonly LedgerManifest[];
  /** Every line of every batch that a manifest names. */
  readonly lines: readonly Delivered[];
}

/** Reads a ledger back as docs/DELIVERY.md says, and checks every digest, count and shape. */
export function readLedger(objects: ReadonlyMap<string, Buffer>): ReadLedger {
  return { manifests: manifestsOf(objects), lines: [...ledgerLines(objects)] };
}

function manifestsOf(objects: ReadonlyMap<string, Buffer>): LedgerManifest[] {
  return [...objects]
    .filter(([key]) => key.endsWith('/manifest.json'))
    .map(([, bytes]) => manifestSchema.parse(JSON.parse(bytes.toString())))
    .sort((a, b) => (a.hour < b.hour ? -1 : 1));
}

/** The same line by line, for ledgers of millions. */
export function* ledgerLines(objects: ReadonlyMap<string, Buffer>): Generator<Delivered> {
  for (const { batches } of manifestsOf(objects)) {
    for (const batch of batches) {
      const bytes = objects.get(batch.key);
      if (bytes === undefined) throw new Error(`${batch.key} is in a manifest, but not there`);
      if (createHash('sha256').update(bytes).digest('hex') !== batch.sha256) {
        throw new Error(`${batch.key} has other bytes than its manifest says`);
      }
      const texts = gunzipSync(bytes).toString().trimEnd().split('\n');
      if (texts.length !== batch.lines) throw new Error(`${batch.key} has ${texts.length} lines`);
      for (const text of texts) yield deliveredSchema.parse(JSON.parse(text));
    }
  }
}

/** Sequence numbers of a camera that no line has, up to its highest. */
export function gapsOf(lines: readonly Delivered[], camera: string): number[] {
  const there = new Set(lines.filter((one) => one.camera === camera).map((one) => one.sequence));
  const last = Math.max(0, ...there);
  return Array.from({ length: last }, (_, at) => at + 1).filter((one) => !there.has(one));
}
