import { IpcChannel } from '../../../component/greengrass/ipc-channel.ts';
import { IpcConnection } from '../../../component/greengrass/ipc-connection.ts';
import { EmulatedNucleus } from './emulated-nucleus.ts';
import { LITE } from './personality.ts';

/** A message channel through an emulated nucleus, whose connection can be lost and come back. */
export class IpcLine {
  readonly channel = new IpcChannel();
  readonly nucleus: EmulatedNucleus;
  #connection: IpcConnection | undefined;

  static async start(): Promise<IpcLine> {
    const line = new IpcLine(await EmulatedNucleus.start(LITE));
    await line.resume();
    return line;
  }

  private constructor(nucleus: EmulatedNucleus) {
    this.nucleus = nucleus;
  }

  async lose(): Promise<void> {
    const lost = new Promise<void>((resolve) => {
      this.#connection?.lost.addEventListener('abort', () => resolve(), { once: true });
    });
    this.nucleus.dropConnections();
    await lost;
  }

  async resume(): Promise<void> {
    const { socketFile, token } = this.nucleus;
    this.#connection = await IpcConnection.open({ socketFile, authToken: token });
    await this.channel.attach(this.#connection);
  }

  async close(): Promise<void> {
    await this.channel.close();
    await this.#connection?.close();
    await this.nucleus.close();
  }
}
