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
  [/No such device/i, 'the device is gone: it was unplugged, or reset itself'],
  [
    /Cannot find a proper format/i,
    'the device does not send the format that is asked of it (inputFormat)',
  ],
  [/Permission denied/i, 'this user may not open it; for a device add the user to the group video'],
  [/does not contain any stream|matches no streams/i, 'it holds no pictures'],
  [/Invalid data found/i, 'what comes is no video that ffmpeg knows'],
];

/** The reason with its meaning before it, where that is known. */
export function plainReason(reason: string): string {
  const known = MEANINGS.find(([said]) => said.test(reason));
  return known === undefined ? reason : `${known[1]} (${reason})`;
}

/** What the codes of the system and of TLS mean to who stands before the camera. */
const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; check the port and whether the camera has started',
  ECONNRESET: 'the camera closed the connection',
  EHOSTUNREACH: 'the camera cannot be reached; check its cable, power and address',
  ENETUNREACH: 'there is no way to that network; check the network settings of this machine',
  ENOTFOUND: 'there is no such host name; check its spelling and the name server',
  EAI_AGAIN: 'the name server does not answer; check the network settings of this machine',
  ETIMEDOUT: 'the camera does not answer; check its cable, power and address',
  EPROTO: 'it does not speak TLS; try http:// in place of https://',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by nobody known; give its file to Node in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate is signed by nobody known; give its file to Node in NODE_EXTRA_CA_CERTS',
  CERT_HAS_EXPIRED: 'its certificate has expired; check the clocks of both sides',
};

/** The message of an error of Node; its meaning in place of it, where its code is known. */
export function plainCode({ code, message }: NodeJS.ErrnoException): string {
  const meaning = code === undefined ? undefined : CODES[code];
  return meaning === undefined ? message : `${meaning} (${code})`;
}
