import {
  AttributeIds,
  DataType,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  StatusCodes,
  UserTokenType,
  resolveNodeId,
  type ClientSession,
  type DataValue,
  type StatusCode,
  type UserIdentityInfo,
} from 'node-opcua-client';
import { OPCUACertificateManager } from 'node-opcua-certificate-manager';
import { VedetteError } from '../contract/errors.ts';
import type { OpcuaAddress, OpcuaValue } from './opcua-messages.ts';
import { watchNode } from './opcua-subscription.ts';

const MODES = {
  none: MessageSecurityMode.None,
  sign: MessageSecurityMode.Sign,
  'sign-and-encrypt': MessageSecurityMode.SignAndEncrypt,
} as const;
/** What says that a node cannot be watched at all, and not that its value is bad now. */
const NO_NODE: ReadonlySet<StatusCode> = new Set([
  ...[StatusCodes.BadNodeIdUnknown, StatusCodes.BadNodeIdInvalid, StatusCodes.BadNotReadable],
  ...[StatusCodes.BadAttributeIdInvalid, StatusCodes.BadUserAccessDenied],
]);
/** The server is silent for no longer; then the connection is lost. */
const KEEP_ALIVE_MS = 2000;
const WHOLE_NUMBERS: ReadonlySet<DataType> = new Set([
  ...[DataType.SByte, DataType.Byte, DataType.Int16, DataType.UInt16, DataType.Int32],
  ...[DataType.UInt32, DataType.Float, DataType.Double],
]);

/** A session with an OPC UA server, in the thread that node-opcua lives in. */
export class OpcuaConnection {
  readonly #address: OpcuaAddress;
  readonly #client: OPCUAClient;
  readonly #types = new Map<string, DataType>();
  readonly #lose: (why: string) => void;
  #session: ClientSession | undefined;
  #isClosed = false;

  /** @param onLost once, when the connection is of no more use by itself */
  static async open(
    address: OpcuaAddress,
    onLost: (error: VedetteError) => void,
  ): Promise<OpcuaConnection> {
    const certificates = new OPCUACertificateManager({
      rootFolder: address.certificateFolder,
      automaticallyAcceptUnknownCertificate: false,
      disableFileWatchers: true,
    });
    await certificates.initialize();
    const isSecure = address.securityMode !== 'none';
    const client = OPCUAClient.create({
      applicationName: 'Vedette',
      clientName: 'Vedette',
      clientCertificateManager: certificates,
      securityMode: MODES[address.securityMode],
      securityPolicy: isSecure ? SecurityPolicy[address.securityPolicy] : SecurityPolicy.None,
      endpointMustExist: false,
      // Who asks tries again, with a session of its own.
      connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 100 },
      transportTimeout: address.timeoutMs,
      defaultTransactionTimeout: address.timeoutMs,
      keepSessionAlive: true,
      keepAliveInterval: KEEP_ALIVE_MS,
    });
    let isLost = false;
    const lose = (why: string) => {
      if (isLost || connection.#isClosed) return;
      isLost = true;
      onLost(connection.#error('FIELD_DEVICE_OFFLINE', why));
    };
    const connection: OpcuaConnection = new OpcuaConnection(address, client, lose);
    client.on('connection_lost', () => lose('the connection was lost'));
    client.on('close', () => lose('it closed the connection'));
    try {
      await client.connect(address.endpointUrl);
      const session = await client.createSession(identityOf(address));
      session.on('session_closed', () => lose('it closed the session'));
      session.on('keepalive_failure', () => lose(`it is silent for ${KEEP_ALIVE_MS} ms`));
      connection.#session = session;
      return connection;
    } catch (thrown) {
      isLost = true;
      await connection.close();
      throw connection.#failure(thrown);
    }
  }

  private constructor(address: OpcuaAddress, client: OPCUAClient, lose: (why: string) => void) {
    this.#address = address;
    this.#client = client;
    this.#lose = lose;
  }

  /**
   * Tells each value of the node, or why the server has none now. When the subscription ends, the
   * connection is lost.
   * @throws VedetteError FIELD_DEVICE_REFUSED, FIELD_DEVICE_OFFLINE
   */
  async watch(
    nodeId: string,
    samplingMs: number,
    onValue: (value: OpcuaValue | VedetteError) => void,
  ): Promise<void> {
    const { timeoutMs } = this.#address;
    await this.#try(async (session) => {
      const { statusCode } = await session.read({
        ...{ nodeId: resolveNodeId(nodeId), attributeId: AttributeIds.Value },
      });
      if (NO_NODE.has(statusCode)) throw this.#refused(nodeId, statusCode.name);
      const take = (value: DataValue) => {
        try {
          onValue(this.#valueOf(nodeId, value));
        } catch (thrown) {
          onValue(VedetteError.from(thrown));
        }
      };
      const onLost = (why: string) => this.#lose(why);
      await watchNode(session, { nodeId, samplingMs, timeoutMs, onValue: take, onLost });
    });
  }

  /** @throws VedetteError FIELD_DEVICE_REFUSED, FIELD_DEVICE_OFFLINE */
  async read(nodeId: string): Promise<OpcuaValue> {
    return this.#try(async (session) =>
      this.#valueOf(
        nodeId,
        await session.read({ nodeId: resolveNodeId(nodeId), attributeId: AttributeIds.Value }),
      ),
    );
  }

  /** @throws VedetteError FIELD_DEVICE_REFUSED, FIELD_DEVICE_OFFLINE */
  async write(nodeId: string, value: number): Promise<void> {
    await this.#try(async (session) => {
      const id = resolveNodeId(nodeId);
      const dataType = this.#types.get(nodeId) ?? (await session.getBuiltInDataType(id));
      this.#types.set(nodeId, dataType);
      const status = await session.write({
        nodeId: id,
        attributeId: AttributeIds.Value,
        value: { value: { dataType, value: this.#written(nodeId, dataType, value) } },
      });
      if (status.isNotGood()) throw this.#refused(nodeId, status.name);
    });
  }

  /** Ends within `timeoutMs`, whatever the server does. */
  async close(): Promise<void> {
    this.#isClosed = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#address.timeoutMs);
    });
    const over = (async () => {
      await this.#session?.close().catch(() => {});
      await this.#client.disconnect().catch(() => {});
    })();
    await Promise.race([over, late]);
    clearTimeout(timer);
  }

  #valueOf(nodeId: string, { statusCode, value }: DataValue): OpcuaValue {
    if (statusCode !== StatusCodes.Good && statusCode.isNotGood()) {
      throw this.#refused(nodeId, statusCode.name);
    }
    const { dataType, value: given } = value as { dataType: DataType; value: unknown };
    if (typeof given === 'boolean') return given ? 1 : 0;
    if (typeof given === 'number' || typeof given === 'string') return given;
    if (dataType === DataType.Int64 || dataType === DataType.UInt64) {
      const [high, low] = given as [number, number];
      return Number(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0)));
    }
    throw this.#refused(nodeId, `a value of ${DataType[dataType]} is neither number nor text`);
  }

  #written(nodeId: string, dataType: DataType, value: number): unknown {
    if (dataType === DataType.Boolean) return value !== 0;
    if (dataType === DataType.String) return String(value);
    if (dataType === DataType.Int64 || dataType === DataType.UInt64) return [0, value];
    if (WHOLE_NUMBERS.has(dataType)) return value;
    throw this.#refused(nodeId, `${DataType[dataType]} takes no number`);
  }

  async #try<T>(ask: (session: ClientSession) => Promise<T>): Promise<T> {
    if (this.#session === undefined) throw this.#error('FIELD_DEVICE_OFFLINE', 'no session');
    try {
      return await ask(this.#session);
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  #failure(thrown: unknown): VedetteError {
    if (thrown instanceof VedetteError) return thrown;
    return this.#error('FIELD_DEVICE_OFFLINE', (thrown as Error).message.split('\n')[0] ?? '');
  }

  #refused(nodeId: string, why: string): VedetteError {
    return this.#error('FIELD_DEVICE_REFUSED', `node ${nodeId}: ${why}`);
  }

  #error(code: 'FIELD_DEVICE_OFFLINE' | 'FIELD_DEVICE_REFUSED', what: string): VedetteError {
    return new VedetteError(code, `OPC UA server ${this.#address.endpointUrl}: ${what}`);
  }
}

const identityOf = ({ username, password }: OpcuaAddress): UserIdentityInfo =>
  username === undefined
    ? { type: UserTokenType.Anonymous }
    : { type: UserTokenType.UserName, userName: username, password: password ?? '' };
