import type { Database } from 'better-sqlite3';
import type { RegistryModel } from '../contract/ports.ts';

/** A first run that a model file passed in the probe, with the ONNX Runtime that it passed it under. */
export interface ProbeRecord {
  readonly sha256: string;
  readonly variant: string;
  readonly runtimeVersion: string;
  readonly probedAtMs: number;
}

export interface RegistryCamera {
  readonly name: string;
  /** The camera's configuration as JSON; absent when it has results but was never configured. */
  readonly config?: string;
  readonly lastSequence: number;
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

  /** Every model version that was ever configured, the one seen last first. */
  all(): RegistryModel[] {
    return this.#db
      .prepare<[], RegistryModel & { probedAtMs: number | null }>(
        `SELECT name, version, sha256, variant, manifest,
         (SELECT max(probed_at_ms) FROM probes p
          WHERE p.sha256 = m.sha256 AND p.variant = m.variant) AS probedAtMs
         FROM models m ORDER BY last_seen_at_ms DESC, name LIMIT 1000`,
      )
      .all()
      .map(({ probedAtMs, ...model }) => (probedAtMs === null ? model : { ...model, probedAtMs }));
  }

  recordProbe({ sha256, variant, runtimeVersion, probedAtMs }: ProbeRecord): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO probes VALUES (?, ?, ?, ?)')
      .run(sha256, variant, runtimeVersion, Math.round(probedAtMs));
  }

  probe(sha256: string, variant: string, runtimeVersion: string): number | undefined {
    return this.#db
      .prepare<[string, string, string], { probedAtMs: number }>(
        `SELECT probed_at_ms AS probedAtMs FROM probes
         WHERE sha256 = ? AND variant = ? AND runtime_version = ?`,
      )
      .get(sha256, variant, runtimeVersion)?.probedAtMs;
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

  all(): RegistryCamera[] {
    return this.#db
      .prepare<[], { name: string; config: string | null; lastSequence: number }>(
        'SELECT name, config, last_sequence AS lastSequence FROM cameras ORDER BY name',
      )
      .all()
      .map(({ config, ...camera }) => (config === null ? camera : { ...camera, config }));
  }
}
