import { checkRegistry } from '../../registry/open-database.ts';
import { VedetteError } from '../../contract/errors.ts';
import { CheckResults, type Check } from './check.ts';

const results = new CheckResults('database');

/** Whether SQLite finds its file whole, looked at without changing it. */
export const checkDatabase: Check = async ({ config }) => {
  const { dataFolder } = config;
  try {
    const { bytes, problem } = checkRegistry(dataFolder);
    if (bytes === 0) return [results.skipped('There is no database yet')];
    const facts = { bytes };
    if (problem === undefined) {
      return [results.ok(`The database is whole, ${(bytes / 1e6).toFixed(1)} MB`, facts)];
    }
    return [
      results.fault(
        `The database is damaged: ${problem}`,
        'The next start sets it aside and begins a new one; check the disk (dmesg, smartctl).',
        { ...facts, problem },
      ),
    ];
  } catch (thrown) {
    const { message, remedy, code } = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    const isUnreadable = /EACCES|SQLITE_(CANTOPEN|PERM|READONLY)/i.test(message);
    if (isUnreadable && process.geteuid?.() !== 0) {
      return [results.skipped(`The database may not be read by this user: ${message}`)];
    }
    return [results.fault(message, remedy, { code })];
  }
};
