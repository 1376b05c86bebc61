/** In what the two nuclei differ, as measured on nucleus lite 2.6.0 and read in classic 2.18. */
export interface Personality {
  readonly name: 'classic' | 'lite';
  /** A longer frame closes the connection. */
  readonly maxFrameBytes: number;
  readonly maxSubscriptions: number;
  /** What a wrong token gets: an acknowledgement that refuses, or a closed connection. */
  readonly refusesWithAck: boolean;
  /** Operations that answer with anything but an error without a message. */
  readonly operations: ReadonlySet<string>;
  /** Numbers and booleans of a default configuration in YAML arrive as strings. */
  readonly stringifiesDefaults: boolean;
  /** Whether what was published is kept while there is no connection to AWS IoT Core; else it is refused. */
  readonly keepsOffline: boolean;
  /** Unacknowledged QoS 1 publishes and their bytes; more wait where messages are kept, else are refused. */
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  /** Whether a retained message is retained; else the wish is ignored without a word. */
  readonly takesRetain: boolean;
  /** A larger MQTT packet from AWS IoT Core is never delivered. */
  readonly maxInboundPacketBytes: number;
  /** Field of an error that holds its text. */
  readonly errorFields: readonly string[];
}

const BOTH = [
  'GetConfiguration',
  'UpdateConfiguration',
  'SubscribeToConfigurationUpdate',
  'PublishToIoTCore',
  'SubscribeToIoTCore',
  'PublishToTopic',
  'SubscribeToTopic',
  'UpdateState',
];

export const CLASSIC: Personality = {
  name: 'classic',
  maxFrameBytes: 16 * 1024 * 1024,
  maxSubscriptions: 10_000,
  refusesWithAck: true,
  operations: new Set([
    ...BOTH,
    'SubscribeToComponentUpdates',
    'DeferComponentUpdate',
    'SubscribeToValidateConfigurationUpdates',
    'SendConfigurationValidityReport',
  ]),
  stringifiesDefaults: false,
  keepsOffline: true,
  maxInFlight: 5,
  maxInFlightBytes: Infinity,
  takesRetain: true,
  maxInboundPacketBytes: Infinity,
  errorFields: ['_message', 'message'],
};

export const LITE: Personality = {
  name: 'lite',
  maxFrameBytes: 10_000,
  maxSubscriptions: 100,
  refusesWithAck: false,
  operations: new Set(BOTH),
  stringifiesDefaults: true,
  keepsOffline: false,
  maxInFlight: 10,
  maxInFlightBytes: 15_000,
  takesRetain: false,
  maxInboundPacketBytes: 5000,
  errorFields: ['_message'],
};
