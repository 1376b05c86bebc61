import { VedetteError } from '../contract/errors.ts';

/** What refused a server its address and port, as PORT_IN_USE or CONFIG_INVALID. */
export function listenError(cause: unknown, host: string, port: number): VedetteError {
  const { code } = cause as NodeJS.ErrnoException;
  const details = { host, port };
  if (code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is taken by another program`;
    return new VedetteError('PORT_IN_USE', message, { cause, details });
  }
  const reason = REASONS[code ?? ''];
  if (reason === undefined) return VedetteError.from(cause);
  return new VedetteError('CONFIG_INVALID', `Cannot listen on ${host}:${port}: it ${reason}`, {
    cause,
    details,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'needs more rights',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no name that is known here',
};
