import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Resolve = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;
type Waiting = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** Of libuv's four threads, which files and the database of names share. */
const MOST_AT_ONCE = 2;

/**
 * Looks names up for connections, of each name once at a time and two names at once. A look-up cannot
 * be given up and takes many seconds while no name server answers: those of everyone who asks again
 * would hold all threads that read and write files.
 */
export class NameLookups {
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #resolve: Resolve;

  constructor(resolve: Resolve = lookup) {
    this.#resolve = resolve;
  }

  /** For `net.connect`. Calls back with EAGAIN while as many others are looked up as may be. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#ask(hostname, (error, addresses) => {
      const [first] = addresses;
      if (error !== null || first === undefined) {
        callback(error ?? nameError('ENOTFOUND', hostname), []);
      } else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

  #ask(hostname: string, answered: Waiting): void {
    const waiting = this.#waiting.get(hostname);
    if (waiting !== undefined) {
      waiting.push(answered);
      return;
    }
    if (this.#waiting.size >= MOST_AT_ONCE) {
      setImmediate(() => answered(nameError('EAGAIN', hostname), []));
      return;
    }
    this.#waiting.set(hostname, [answered]);
    this.#resolve(hostname, { all: true }, (error, addresses) => {
      const all = this.#waiting.get(hostname) ?? [];
      this.#waiting.delete(hostname);
      for (const one of all) one(error, addresses ?? []);
    });
  }
}

const nameError = (code: string, hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: ${hostname}`), { code });
