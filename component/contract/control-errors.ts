import { entry } from './error-code-entry.ts';
import type { ErrorCodeEntry } from './error-code-entry.ts';

/** Codes of commands and of what the device shadow desires. */
export const CONTROL_ERROR_CODES = {
  COMMAND_REFUSED: entry(
    403,
    false,
    'This device takes no commands.',
    'Set `remote.areCommandsEnabled` in its configuration.',
  ),
  COMMAND_EXPIRED: entry(
    410,
    false,
    'A command arrived after the time until which it was to be done.',
    'Send it again with a new id and a later `expiresAt`; compare the clocks when it came at once.',
  ),
  COMMAND_TIMEOUT: entry(
    504,
    true,
    'A command was not done in its time.',
    'Look at the state of the camera or model that it is about, then send it with a new id.',
  ),
  SHADOW_REJECTED: entry(
    502,
    true,
    'AWS IoT rejected an update of the device shadow; the message holds its code and reason.',
    '413: `desired` of the shadow leaves no room, keep it below 2 KB. 403: compare the policy of the device’s certificate with docs/GREENGRASS.md.',
  ),
  MAINTENANCE_AWAITED: entry(
    409,
    true,
    'A change waits for the maintenance window, or until no part is being inspected.',
    'Wait; `maintenance` in the configuration says when the window opens and how long a change waits at most.',
  ),
  MAINTENANCE_OVERRUN: entry(
    409,
    false,
    'An update or a change has waited as long as it may and passed, though the line must not be disturbed.',
    'Look at what was under way at that moment; widen `maintenance.windows`, raise `maintenance.maxDeferralHours`, or have holds of parts end.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
