import { parseModelReference } from '../../contract/model-manifest.ts';
import { packageSignature } from '../package/package-signature.ts';
import { locatePackage } from './locate-package.ts';
import type { LocatedPackage } from './locate-package.ts';
import type { ModelStore } from './model-store.ts';

/**
 * Where the package of one configured model lies, over all attempts to load it. An archive that did
 * not change stays unpacked: a failed model is tried every minute, which would wear flash memory out.
 */
export class PackageLocation {
  readonly #named: string;
  readonly #store: ModelStore | undefined;
  readonly #reference: ReturnType<typeof parseModelReference>;
  #kept: { readonly signature: string; readonly located: LocatedPackage } | undefined;

  /** @param named folder, archive or `name@version`, as the configuration has it */
  constructor(named: string, store: ModelStore | undefined) {
    this.#named = named;
    this.#store = store;
    this.#reference = parseModelReference(named);
  }

  /** Another text means another content. */
  signature(): Promise<string> {
    const place = this.#reference && this.#store?.placeOf(this.#reference);
    return packageSignature(place ?? this.#named);
  }

  /**
   * The files of an installed version are compared with their sha256 each time.
   * @param signature taken before
   * @throws VedetteError as locatePackage; the reason of `signal`, with nothing kept
   */
  async locate(signature: string, signal: AbortSignal): Promise<LocatedPackage> {
    if (!this.#reference && this.#kept?.signature === signature) return this.#kept.located;
    await this.release();
    const located = await locatePackage(this.#named, this.#store, signal);
    if (signal.aborted) await located.release();
    signal.throwIfAborted();
    this.#kept = { signature, located };
    return located;
  }

  /** Its files are no longer read. */
  async release(): Promise<void> {
    const kept = this.#kept;
    this.#kept = undefined;
    await kept?.located.release();
  }
}
