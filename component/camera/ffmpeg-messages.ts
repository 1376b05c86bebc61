import { VedetteError } from '../contract/errors.ts';
import { shownAddress } from '../contract/shown-address.ts';
import { plainReason } from './plain-reason.ts';
import type { ProcessMessages } from './process-messages.ts';

/** What it says of a source that could not be connected to. */
export const AWAY =
  /Connection refused|No route to host|unreachable|timed out|resolve|Name or service|Temporary failure/i;
/** What it says when it saw too little of a stream. */
const LACKS_PARAMETERS = /not find codec parameters|probesize|dimensions not set|unspecified size/i;
const REFUSED_LOGIN = /\b(?:401 Unauthorized|403 Forbidden)\b|authorization failed/i;

export const lacksParameters = ({ lines }: ProcessMessages): boolean =>
  lines.some((line) => LACKS_PARAMETERS.test(line));

/** Why ffmpeg failed, by what it said last of the source at `url`. */
export function ffmpegFailure(url: string, reason: string): VedetteError {
  const lacksFormat = reason.includes('Cannot find a proper format');
  const other = lacksFormat ? 'CAMERA_SETTING_REFUSED' : 'CAMERA_SOURCE_FAILED';
  const code = REFUSED_LOGIN.test(reason) ? 'CAMERA_LOGIN_REFUSED' : other;
  return new VedetteError(code, `${shownAddress(url)}: ${plainReason(reason)}`);
}
