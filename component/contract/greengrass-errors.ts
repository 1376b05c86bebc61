import { entry } from './error-code-entry.ts';
import type { ErrorCodeEntry } from './error-code-entry.ts';

/** Codes of what happens between the runtime and the Greengrass nucleus. */
export const GREENGRASS_ERROR_CODES = {
  GREENGRASS_UNAVAILABLE: entry(
    503,
    true,
    'The Greengrass nucleus could not be reached, or the connection to it ended.',
    'Check that the nucleus runs (`systemctl status greengrass` or `ggl.core.ggipcd`); cameras go on meanwhile.',
  ),
  GREENGRASS_TIMEOUT: entry(
    504,
    true,
    'The Greengrass nucleus did not answer in time.',
    'Nothing to do when it was once; the log of the nucleus says what keeps it busy.',
  ),
  GREENGRASS_REFUSED: entry(
    403,
    false,
    'The Greengrass nucleus refused an operation; the message holds its reason.',
    'Compare `accessControl` of the component on the device with that of its recipe: a device keeps its first defaults until they are reset.',
  ),
  MODEL_COMPONENT_CONFLICT: entry(
    409,
    false,
    'Two model components on the device bring a model of the same name; the one that came first keeps it.',
    'Remove the component that the message names, or give one of the two models another name.',
  ),
  GREENGRASS_ABSENT: entry(
    400,
    false,
    'The process was told to run as a Greengrass component, but no nucleus started it.',
    'Run it with `--config <file>`, or deploy it as a component.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
