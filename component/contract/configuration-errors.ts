import { entry } from './error-code-entry.ts';
import type { ErrorCodeEntry } from './error-code-entry.ts';

/** Codes of what is configured. */
export const CONFIGURATION_ERROR_CODES = {
  CONFIG_INVALID: entry(
    400,
    false,
    'The configuration does not fit its schema; every problem is listed.',
    'Correct each listed path; `vedette config check <file>` checks a file without starting anything.',
  ),
  CONFIG_UNREADABLE: entry(
    400,
    false,
    'A configuration file could not be read or is not YAML.',
    'Check the path, the permissions and the line that the message names.',
  ),
  CONFIG_CHANGED: entry(
    409,
    false,
    'The configuration names another package for a model than before, which ends what was swapped in since.',
    'Nothing, when it was meant; else configure the package wanted, or swap it in again.',
  ),
  SECRET_UNAVAILABLE: entry(
    500,
    false,
    'A secret that the configuration points at could not be read.',
    'Check that the file or the environment variable exists for the user that runs Vedette.',
  ),
  CONFIG_NEEDS_RESTART: entry(
    409,
    false,
    'A value was changed that a running process keeps.',
    'Start the process again; as a Greengrass component, a service or `vedette run` it does so by itself.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
