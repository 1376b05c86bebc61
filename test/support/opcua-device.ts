import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  DataType,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  StatusCodes,
  Variant,
  type DataValue,
  type ServerSession,
  type Subscription,
} from 'node-opcua';
import { freePort } from './free-port.ts';

const USER = { name: 'line', password: 'station-7' };

/** An OPC UA server on loopback with a Boolean, a text and a number that is written. */
export class OpcuaDevice {
  static readonly user = USER;
  readonly port: number;
  /** Values that were written, in order. */
  readonly written: number[] = [];
  readonly #folder: string;
  #server: OPCUAServer | undefined;
  #isOn = false;
  readonly #subscriptions: { readonly session: ServerSession; readonly id: number }[] = [];
  /** Sessions that were opened so far. */
  sessions = 0;
  product = 'P27';
  /** Its nodes have no good value, as those of a sensor that is unplugged. */
  isBad = false;

  static async start(): Promise<OpcuaDevice> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-opcua-'));
    const device = new OpcuaDevice(folder, await freePort());
    await device.resume();
    return device;
  }

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  get url(): string {
    return `opc.tcp://127.0.0.1:${this.port}`;
  }

  set(isOn: boolean): void {
    this.#isOn = isOn;
  }

  /** Ends every subscription without a word, and keeps the sessions. @returns how many it were */
  dropSubscriptions(): number {
    const ended = this.#subscriptions.splice(0);
    for (const { session, id } of ended) session.deleteSubscription(id);
    return ended.length;
  }

  async interrupt(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.shutdown(0);
  }

  async resume(): Promise<void> {
    const manager = (name: string) =>
      new OPCUACertificateManager({
        rootFolder: path.join(this.#folder, name),
        automaticallyAcceptUnknownCertificate: true,
        disableFileWatchers: true,
      });
    const server = new OPCUAServer({
      port: this.port,
      host: '127.0.0.1',
      hostname: '127.0.0.1',
      securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
      securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
      serverCertificateManager: manager('server'),
      userCertificateManager: manager('users'),
      allowAnonymous: true,
      userManager: {
        isValidUser: (name: string, password: string) =>
          name === USER.name && password === USER.password,
      },
    });
    await server.initialize();
    const space = server.engine.addressSpace!;
    const namespace = space.getOwnNamespace();
    const object = namespace.addObject({
      organizedBy: space.rootFolder.objects,
      browseName: 'Line',
    });
    const variable = (name: string, dataType: DataType, get: () => boolean | string) =>
      namespace.addVariable({
        ...{ componentOf: object, browseName: name, nodeId: `s=${name}` },
        ...{ dataType, minimumSamplingInterval: 5 },
        value: {
          get: () =>
            this.isBad ? StatusCodes.BadSensorFailure : new Variant({ dataType, value: get() }),
        },
      });
    variable('Trigger', DataType.Boolean, () => this.#isOn);
    variable('Product', DataType.String, () => this.product);
    namespace.addVariable({
      ...{ componentOf: object, browseName: 'Verdict', nodeId: 's=Verdict' },
      dataType: DataType.UInt16,
      minimumSamplingInterval: 5,
      value: {
        get: () => new Variant({ dataType: DataType.UInt16, value: this.written.at(-1) ?? 0 }),
        set: (variant: DataValue['value']) => {
          this.written.push(Number(variant.value));
          return StatusCodes.Good;
        },
      },
    });
    server.on('create_session', (session: ServerSession) => {
      this.sessions += 1;
      session.on('new_subscription', ({ id }: Subscription) =>
        this.#subscriptions.push({ session, id }),
      );
    });
    await server.start();
    this.#server = server;
  }

  async close(): Promise<void> {
    await this.interrupt();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
