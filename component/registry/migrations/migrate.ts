import type { Database } from 'better-sqlite3';
import { VedetteError } from '../../contract/errors.ts';
import { first } from './001-first.ts';
import { probeFingerprint } from './002-probe-fingerprint.ts';
import { cameraCounters } from './003-camera-counters.ts';
import { modelVersions } from './004-model-versions.ts';
import { outbox } from './005-outbox.ts';
import { transactions } from './006-transactions.ts';
import { outputRecords } from './007-output-records.ts';

/** The n-th entry brings a database from version n to n + 1. Published entries never change. */
const MIGRATIONS: readonly string[] = [
  first,
  probeFingerprint,
  cameraCounters,
  modelVersions,
  outbox,
  transactions,
  outputRecords,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the schema up to date, each step in a transaction of its own.
 * @throws VedetteError REGISTRY_TOO_NEW
 */
export function migrate(db: Database): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  refuseNewerVersion(version, db.name);
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${index + 1}`);
    }).exclusive();
  }
}

/** @throws VedetteError REGISTRY_TOO_NEW */
export function refuseNewerVersion(version: number, file: string): void {
  if (version <= SCHEMA_VERSION) return;
  throw new VedetteError(
    'REGISTRY_TOO_NEW',
    `${file} has schema version ${version}, this Vedette knows versions up to ${SCHEMA_VERSION}; the file was left as it is`,
    { details: { file, version, supported: SCHEMA_VERSION } },
  );
}
