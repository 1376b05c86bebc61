/** What programs say of a source, and what it means to who stands before the camera. */
const MEANINGS: readonly (readonly [said: RegExp, meaning: string])[] = [
  [
    /Connection refused/i,
    'nothing listens there; check the port and whether the camera has started',
  ],
  [
    /No route to host|Host is unreachable|Connection timed out/i,
    'the camera cannot be reached; check its cable, power and address',
  ],
  [/Network is unreachable/i, 'there is no way to that network; check the network of this machine'],
  [
    /Failed to resolve hostname|Name or service not known|Temporary failure in name resolution/i,
    'there is no such host name, or the name server does not answer',
  ],
  [
    /\b(?:401 Unauthorized|403 Forbidden)\b|authorization failed/i,
    'the camera refuses the user name or the password, or wants some',
  ],
  [/\b404 (?:Not Found|Stream Not Found)\b/i, 'the camera has no stream of that path'],
  [
    /\b454 Session|\b461 Unsupported/i,
    'the camera does not offer this transport; try the other one',
  ],
  [/Device or resource busy/i, 'another program has the device open'],
  [/Permission denied/i, 'this user may not open it; for a device add the user to the group video'],
  [/does not contain any stream|matches no streams/i, 'it holds no pictures'],
  [/Invalid data found/i, 'what comes is no video that ffmpeg knows'],
];

/** The reason with its meaning before it, where that is known. */
export function plainReason(reason: string): string {
  const known = MEANINGS.find(([said]) => said.test(reason));
  return known === undefined ? reason : `${known[1]} (${reason})`;
}
