import { entry } from './error-code-entry.ts';
import type { ErrorCodeEntry } from './error-code-entry.ts';

/** Codes of triggers and of what is told to machines. */
export const TRIGGER_ERROR_CODES = {
  CAMERA_NOT_TRIGGERED: entry(
    409,
    false,
    'The camera does not wait for triggers.',
    'Set `cameras.<name>.policy: triggered`, or leave the trigger out.',
  ),
  TRIGGER_DROPPED: entry(
    429,
    true,
    'The camera is busy with other triggers, and takes no more by its `trigger.whenBusy`.',
    'Trigger more slowly, use a faster model, or raise `trigger.maxQueued`.',
  ),
  TRIGGER_REPLACED: entry(
    409,
    false,
    'A newer trigger took the place of this one before it was judged.',
    'Set `trigger.whenBusy: queue` when each part needs its verdict.',
  ),
  TRIGGER_DEADLINE_PASSED: entry(
    504,
    false,
    'A trigger had no verdict within its deadline; the fail-safe verdict was given.',
    'The message says what it waited for: a frame, the model, or its answer. docs/TRIGGERS.md.',
  ),
  TRIGGER_INTERRUPTED: entry(
    503,
    false,
    'The process or the camera was stopped while a trigger was open; the fail-safe verdict was given.',
    'Look at the part; triggers that come now are judged.',
  ),
  OUTPUT_FAILED: entry(
    502,
    true,
    'An output did not take a verdict; it is told again.',
    'Check what the message names; `/api/v1/outputs` shows what waits and what was given up.',
  ),
  OUTPUT_UNCERTAIN: entry(
    502,
    false,
    'A pulse was sent to a machine that did not acknowledge it: it may have been given, and is not given twice.',
    'Look at the part, and check the connection that the message names.',
  ),
  FIELD_DEVICE_OFFLINE: entry(
    502,
    true,
    'A PLC or another device of the line cannot be reached, or does not answer as it should.',
    'Check address, port and cable that the message names; it is tried again by itself.',
  ),
  FIELD_DEVICE_REFUSED: entry(
    502,
    true,
    'A PLC or another device of the line answered that it does not do what it was asked.',
    'Check the address and the table or node that the message names, and the rights there.',
  ),
  TRIGGER_FOLDER_UNREADABLE: entry(
    502,
    true,
    'The folder whose new files trigger cannot be read, or its file system does not answer.',
    'Check the path and the rights of the user, and of a network share its server; it is tried again by itself.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
