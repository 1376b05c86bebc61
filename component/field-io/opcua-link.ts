import { Worker } from 'node:worker_threads';
import { entryFile } from '../contract/entry-file.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  OpcuaAddress,
  OpcuaCall,
  OpcuaReport,
  OpcuaRequest,
  OpcuaValue,
} from './opcua-messages.ts';

/** The thread of all links: there while there is one. */
class OpcuaThread {
  readonly #worker = new Worker(entryFile('opcua-worker', import.meta.url), { name: 'opcua' });
  readonly #asked = new Map<number, PromiseWithResolvers<OpcuaValue | undefined>>();
  readonly links = new Map<number, OpcuaLink>();
  #over: VedetteError | undefined;
  #count = 0;

  constructor() {
    this.#worker.on('message', (report: OpcuaReport) => this.#take(report));
    this.#worker.on('error', (error) => this.#end(error.message));
    this.#worker.on('exit', () => this.#end('its thread ended'));
  }

  next(): number {
    this.#count += 1;
    return this.#count;
  }

  /** @throws VedetteError FIELD_DEVICE_OFFLINE when the thread has ended */
  async ask(connection: number, request: OpcuaRequest): Promise<OpcuaValue | undefined> {
    if (this.#over) throw this.#over;
    const id = this.next();
    const asked = Promise.withResolvers<OpcuaValue | undefined>();
    this.#asked.set(id, asked);
    this.#worker.postMessage({ id, connection, request } satisfies OpcuaCall);
    return asked.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(report: OpcuaReport): void {
    if (report.kind === 'value') return this.links.get(report.connection)?.tell(report.value);
    if (report.kind === 'no-value') {
      return this.links.get(report.connection)?.tell(VedetteError.deserialize(report.error));
    }
    if (report.kind === 'lost') {
      return this.links.get(report.connection)?.lose(VedetteError.deserialize(report.error));
    }
    const asked = this.#asked.get(report.id);
    this.#asked.delete(report.id);
    if (report.kind === 'answer') asked?.resolve(report.value);
    else asked?.reject(VedetteError.deserialize(report.error));
  }

  #end(why: string): void {
    if (thread === this) thread = undefined;
    const error = (this.#over ??= new VedetteError('FIELD_DEVICE_OFFLINE', `OPC UA: ${why}`));
    for (const asked of this.#asked.values()) asked.reject(error);
    this.#asked.clear();
    for (const link of this.links.values()) link.lose(error);
  }
}

let thread: OpcuaThread | undefined;

/** A session with an OPC UA server, in a thread of its own that all of them share. */
export class OpcuaLink {
  readonly #thread: OpcuaThread;
  readonly #connection: number;
  readonly #lost = Promise.withResolvers<VedetteError>();
  readonly #onValue: (value: OpcuaValue | VedetteError) => void;
  #failure: VedetteError | undefined;

  private constructor(of: OpcuaThread, onValue: (value: OpcuaValue | VedetteError) => void) {
    this.#thread = of;
    this.#connection = of.next();
    this.#onValue = onValue;
    of.links.set(this.#connection, this);
  }

  /**
   * @param onValue gets the values of the node that is watched, or why it has none now
   * @throws VedetteError FIELD_DEVICE_OFFLINE
   */
  static async open(
    address: OpcuaAddress,
    signal: AbortSignal,
    onValue: (value: OpcuaValue | VedetteError) => void = () => {},
  ): Promise<OpcuaLink> {
    thread ??= new OpcuaThread();
    const link = new OpcuaLink(thread, onValue);
    const opening = link.#ask({ kind: 'open', address });
    const stop = () => link.lose(new VedetteError('FIELD_DEVICE_OFFLINE', 'it was given up'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const failure = await Promise.race([opening.then(() => undefined), link.#lost.promise]);
      if (failure) throw failure;
      return link;
    } catch (thrown) {
      opening.catch(() => {});
      await link.close();
      throw thrown;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** Resolves when it is of no more use, with why. */
  get lost(): Promise<VedetteError> {
    return this.#lost.promise;
  }

  /** @throws VedetteError FIELD_DEVICE_OFFLINE, FIELD_DEVICE_REFUSED */
  async watch(nodeId: string, samplingMs: number): Promise<void> {
    await this.#ask({ kind: 'watch', nodeId, samplingMs });
  }

  /** @throws VedetteError as `watch` */
  async read(nodeId: string): Promise<OpcuaValue | undefined> {
    return this.#ask({ kind: 'read', nodeId });
  }

  /** @throws VedetteError as `watch` */
  async write(nodeId: string, value: number): Promise<void> {
    await this.#ask({ kind: 'write', nodeId, value });
  }

  /** The thread ends with its last link. */
  async close(): Promise<void> {
    this.lose(new VedetteError('FIELD_DEVICE_OFFLINE', 'it was closed'));
    const { links } = this.#thread;
    if (!links.has(this.#connection)) return;
    await this.#ask({ kind: 'close' }).catch(() => {});
    links.delete(this.#connection);
    if (links.size > 0 || thread !== this.#thread) return;
    thread = undefined;
    await this.#thread.end();
  }

  tell(value: OpcuaValue | VedetteError): void {
    if (this.isOpen) this.#onValue(value);
  }

  lose(error: VedetteError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#lost.resolve(error);
  }

  #ask(request: OpcuaRequest): Promise<OpcuaValue | undefined> {
    return this.#thread.ask(this.#connection, request);
  }
}
