import { createHash } from 'node:crypto';
import { createGzip } from 'node:zlib';
import { BackOff } from '../camera/back-off.ts';
import { pause } from '../camera/pause.ts';
import type { DeliveryConfig } from '../contract/delivery-config.ts';
import type {
  BatchPlan,
  LedgerManifest,
  SequenceRange,
  StoredBatch,
} from '../contract/delivery.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Registry } from '../registry/registry.ts';

const LOOK_MS = 5000;
const RETRY = { firstMs: 2000, maximumMs: 300_000 };

export interface LedgerWriterOptions {
  readonly registry: Pick<
    Registry,
    'planBatch' | 'batchLines' | 'completeBatch' | 'ledgerManifest'
  >;
  readonly store: ObjectStore;
  readonly thing: string;
  readonly ledger: DeliveryConfig['ledger'];
  /** What is in the way; `undefined` when nothing is. */
  readonly onProblem: (error: VedetteError | undefined) => void;
}

/**
 * Puts everything that leaves the outbox into batches: gzipped JSON lines, with a manifest for each
 * hour. A batch that was interrupted is made again, of the same bytes under the same name.
 */
export class LedgerWriter {
  readonly #options: LedgerWriterOptions;
  readonly #closing = new AbortController();
  readonly #backOff = new BackOff(RETRY);
  #storedAtMs = performance.now();
  #isManifestDue = true;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LedgerWriterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { intervalSeconds } = this.#options.ledger;
    while (!signal.aborted) {
      let pauseMs = Math.min(LOOK_MS, intervalSeconds * 1000);
      try {
        if (await this.#storeNext()) pauseMs = 0;
        this.#backOff.reset();
        this.#options.onProblem(undefined);
      } catch (thrown) {
        const error = VedetteError.from(thrown);
        if (error.code === 'SHUTTING_DOWN') return;
        this.#options.onProblem(error);
        pauseMs = this.#backOff.next();
      }
      if (pauseMs > 0) await pause(pauseMs, signal);
    }
  }

  /** @returns whether a batch was stored, so that another may be waiting */
  async #storeNext(): Promise<boolean> {
    const { registry, ledger } = this.#options;
    if (this.#isManifestDue) await this.#storeManifest();
    const isDue = performance.now() - this.#storedAtMs >= ledger.intervalSeconds * 1000;
    const plan = await registry.planBatch(ledger.maxBatchBytes, isDue);
    if (isDue) this.#storedAtMs = performance.now();
    if (plan === undefined) return false;
    const made = await this.#make(plan);
    if (made === undefined) {
      await registry.completeBatch(plan, undefined);
      return true;
    }
    await this.#options.store.replace(made.stored.key, made.bytes, 'application/gzip');
    await registry.completeBatch(plan, made.stored);
    this.#isManifestDue = true;
    await this.#storeManifest();
    return true;
  }

  async #make(
    plan: BatchPlan,
  ): Promise<{ readonly bytes: Buffer; readonly stored: StoredBatch } | undefined> {
    const gzip = createGzip();
    const bytesOf = collect(gzip);
    const cameras: Record<string, SequenceRange> = {};
    let lines = 0;
    let after: number | undefined = plan.firstKey - 1;
    while (after !== undefined) {
      const part = await this.#options.registry.batchLines(plan, after);
      lines += part.lines;
      for (const [camera, range] of Object.entries(part.cameras)) {
        const before = cameras[camera] ?? range;
        cameras[camera] = {
          first: Math.min(before.first, range.first),
          last: Math.max(before.last, range.last),
          count: range.count + (cameras[camera]?.count ?? 0),
        };
      }
      if (!gzip.write(part.text)) await new Promise((resolve) => gzip.once('drain', resolve));
      after = part.next;
    }
    gzip.end();
    const bytes = await bytesOf;
    if (lines === 0) return undefined;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const name = `${String(plan.firstKey).padStart(12, '0')}-${sha256.slice(0, 16)}.jsonl.gz`;
    const key = `${ledgerFolder(this.#options.thing, plan.hour)}/${name}`;
    const storedAt = new Date().toISOString();
    return { bytes, stored: { key, sha256, byteLength: bytes.length, lines, storedAt, cameras } };
  }

  async #storeManifest(): Promise<void> {
    const manifest: LedgerManifest | undefined = await this.#options.registry.ledgerManifest();
    if (manifest !== undefined) {
      const key = `${ledgerFolder(manifest.thing, manifest.hour)}/manifest.json`;
      const bytes = Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`);
      await this.#options.store.replace(key, bytes, 'application/json');
    }
    this.#isManifestDue = false;
  }
}

/** `hour` as in manifests: `2026-11-21T09`. */
export function ledgerFolder(thing: string, hour: string): string {
  return `${thing}/_ledger/${hour.replaceAll(/[-T]/g, '/')}`;
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
