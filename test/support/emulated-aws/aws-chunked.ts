export interface DecodedBody {
  readonly data: Buffer;
  /** Headers that came behind the data. */
  readonly trailers: Readonly<Record<string, string>>;
}

/**
 * A body in S3's `aws-chunked` encoding, with or without signed chunks, with or without trailers:
 * `<hex length>[;chunk-signature=…]\r\n<data>\r\n … 0[;…]\r\n[name:value\r\n …]\r\n`.
 * @returns `undefined` when it is cut short or malformed
 */
export function decodeAwsChunked(body: Buffer): DecodedBody | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = body.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const [hex = ''] = body.toString('latin1', at, end).split(';');
    if (!/^[0-9a-f]+$/i.test(hex)) return undefined;
    const byteLength = Number.parseInt(hex, 16);
    at = end + 2;
    if (byteLength === 0) break;
    if (at + byteLength + 2 > body.length) return undefined;
    parts.push(body.subarray(at, at + byteLength));
    at += byteLength;
    if (body.toString('latin1', at, at + 2) !== '\r\n') return undefined;
    at += 2;
  }
  const trailers: Record<string, string> = {};
  for (const line of body.toString('latin1', at).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { data: Buffer.concat(parts), trailers };
}
