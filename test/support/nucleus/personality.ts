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
  /** Unacknowledged QoS 1 publishes and their bytes; more are refused. */
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
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
  maxInFlight: Infinity,
  maxInFlightBytes: Infinity,
  errorFields: ['_message', 'message'],
};

export const LITE: Personality = {
  name: 'lite',
  maxFrameBytes: 10_000,
  maxSubscriptions: 100,
  refusesWithAck: false,
  operations: new Set(BOTH),
  stringifiesDefaults: true,
  maxInFlight: 10,
  maxInFlightBytes: 15_000,
  errorFields: ['_message'],
};
