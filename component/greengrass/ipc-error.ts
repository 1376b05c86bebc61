import { VedetteError } from '../contract/errors.ts';

/** What the SDK throws: the text that helps is in `serviceError`, under another name on each nucleus. */
interface RpcError {
  readonly message?: string;
  readonly type?: number;
  readonly serviceError?: {
    readonly message?: string;
    readonly _message?: string;
    readonly _errorCode?: string;
  };
  readonly internalError?: { readonly message?: string };
}

/** RpcErrorType.ServiceError and ValidationError of the SDK. */
const SERVICE_ERROR = 8;
const VALIDATION_ERROR = 7;

/** An error of the SDK as one of ours. `operation` is the nucleus' name for what was asked. */
export function ipcError(thrown: unknown, operation: string): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  const error = thrown as RpcError;
  const service = error.serviceError;
  const text = service?.message || service?._message;
  const details = {
    operation,
    ...(service?._errorCode === undefined ? {} : { shape: service._errorCode }),
  };
  if (error.type === SERVICE_ERROR || error.type === VALIDATION_ERROR) {
    const reason = text || service?._errorCode || error.message || 'it gave no reason';
    const message = `The nucleus refused ${operation}: ${reason}`;
    return new VedetteError('GREENGRASS_REFUSED', message, { cause: thrown, details });
  }
  const reason = error.internalError?.message ?? error.message ?? String(thrown);
  const message = `${operation} did not reach the nucleus: ${reason}`;
  return new VedetteError('GREENGRASS_UNAVAILABLE', message, { cause: thrown, details });
}
