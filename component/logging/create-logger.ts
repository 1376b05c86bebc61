import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { VedetteError } from '../contract/errors.ts';
import { shownText } from '../contract/shown-address.ts';

export { withoutCredentials } from '../contract/without-credentials.ts';
export type { Logger } from 'pino';

/** Keys whose values are never written, wherever they stand in a logged object. */
const SECRET_KEYS = ['password', 'token', 'authorization', 'cookie', 'secret'];

/**
 * One JSON object a line on `stream`; readable lines when it is a terminal. Addresses in any
 * string lose their logins.
 */
export function createLogger(options: {
  readonly level: string;
  readonly stream: NodeJS.WriteStream;
}): Logger {
  const destination: DestinationStream = options.stream.isTTY
    ? pretty({
        destination: options.stream as unknown as DestinationStream,
        sync: true,
        singleLine: true,
        colorize: true,
        translateTime: 'SYS:HH:MM:ss.l',
        ignore: 'pid,hostname',
        customColors: 'info:blue,warn:yellow,error:red',
      })
    : options.stream;
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: serializeError },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[secret]',
      },
      hooks: {
        streamWrite: shownText,
      },
    },
    destination,
  );
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isExpected = error instanceof VedetteError && error.code !== 'INTERNAL';
  return {
    ...(error instanceof VedetteError
      ? { code: error.code, details: error.details, remedy: error.remedy }
      : { type: error.name }),
    message: error.message,
    ...(isExpected ? {} : { stack: error.stack }),
    ...(error.cause instanceof Error ? { cause: error.cause.message } : {}),
  };
}
