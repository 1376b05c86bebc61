import { createHmac } from 'node:crypto';
import type { SecretReference } from '../../contract/config-values.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { OutputConfigOf } from '../../contract/output-config.ts';
import { bodyOf } from './output-body.ts';
import type { OutputPort } from './output-port.ts';

/**
 * Answers to this one verdict, which would be the same again: it is malformed for the receiver, too
 * large, of the wrong type, or in conflict with the one of its id that the receiver has. All others are
 * a state of the receiver that passes or that somebody mends (a key, an address, a load).
 */
const REFUSED = new Set([400, 409, 413, 415, 422]);

/**
 * `t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body" in hex>`, as Stripe signs its webhooks: the time
 * is signed too, so that an old request is of no use to who recorded it.
 */
export function signatureOf(body: string, key: string, seconds: number): string {
  const mac = createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${mac}`;
}

/** The key is read at each try, so that a new one needs no restart. */
export function webhookOutput(
  { url, secret, timeoutMs }: OutputConfigOf<'webhook'>,
  readSecret: (reference: SecretReference) => Promise<string>,
): OutputPort {
  // Path and query of an address may be all that keeps others from using it.
  const shown = new URL(url).origin;
  return {
    send: async (message, signal) => {
      const body = bodyOf(message);
      const key = secret && (await readSecret(secret));
      const seconds = Math.floor(Date.now() / 1000);
      let response: Response;
      try {
        response = await fetch(url, {
          method: 'POST',
          redirect: 'manual',
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
          headers: {
            'content-type': 'application/json',
            'idempotency-key': message.result.id,
            ...(key === undefined ? {} : { 'vedette-signature': signatureOf(body, key, seconds) }),
          },
          body,
        });
        // What it says is of no interest, but an open body would hold the connection.
        await response.body?.cancel();
      } catch (cause) {
        const why = (cause as Error).cause ?? cause;
        throw new VedetteError('OUTPUT_FAILED', `${shown}: ${(why as Error).message}`, { cause });
      }
      if (response.ok) return `HTTP ${response.status}`;
      throw refusal(shown, response);
    },
  };
}

function refusal(shown: string, { status, headers }: Response): VedetteError {
  const what = `${shown} answered HTTP ${status}`;
  if (REFUSED.has(status)) return new VedetteError('MESSAGE_REFUSED', what);
  const location = headers.get('location');
  if (status < 300 || status >= 400 || location === null) {
    return new VedetteError('OUTPUT_FAILED', what);
  }
  // A signed verdict goes to the configured address alone.
  const there = URL.parse(location, shown)?.origin ?? 'what is no address';
  const message = `${what} and names ${there}: redirects are not followed, set \`url\` to the new address`;
  return new VedetteError('OUTPUT_FAILED', message);
}
