import type { Database } from 'better-sqlite3';
import type { RegistryModel } from '../contract/ports.ts';

/** A first run that a model passed in the probe, with the ONNX Runtime that it passed it under. */
export interface ProbeRecord {
  /** Of the whole package, see packageFingerprint. */
  readonly fingerprint: string;
  readonly runtimeVersion: string;
  readonly probedAtMs: number;
}

/** Whether a package passed under this version, or under any when it is absent. */
export interface ProbeQuestion {
  readonly fingerprint: string;
  readonly runtimeVersion?: string | undefined;
}

export class ModelRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  upsert(model: RegistryModel, nowMs: number): void {
    const { name, version, variant, sha256, manifest } = model;
    this.#db
      .prepare(
        `INSERT INTO models (name, version, variant, sha256, manifest, first_seen_at_ms, last_seen_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET manifest = excluded.manifest, last_seen_at_ms = excluded.last_seen_at_ms`,
      )
      .run(name, version, variant, sha256, manifest, nowMs, nowMs);
  }

  recordProbe({ fingerprint, runtimeVersion, probedAtMs }: ProbeRecord): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO probes VALUES (?, ?, ?)')
      .run(fingerprint, runtimeVersion, Math.round(probedAtMs));
  }

  hasPassed({ fingerprint, runtimeVersion }: ProbeQuestion): boolean {
    return (
      this.#db
        .prepare(
          'SELECT 1 FROM probes WHERE fingerprint = ? AND runtime_version = ifnull(?, runtime_version)',
        )
        .get(fingerprint, runtimeVersion ?? null) !== undefined
    );
  }
}

export class CameraRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  upsert(name: string, config: string, nowMs: number): void {
    this.#db
      .prepare(
        `INSERT INTO cameras (name, config, updated_at_ms) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET config = excluded.config, updated_at_ms = excluded.updated_at_ms`,
      )
      .run(name, config, nowMs);
  }
}
