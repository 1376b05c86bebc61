/** What is known about an error code: the one table behind every error that Vedette reports. */
export interface ErrorCodeEntry {
  /** Status of an HTTP answer that fails with this code. */
  readonly httpStatus: number;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

export const entry = (
  httpStatus: number,
  retryable: boolean,
  meaning: string,
  remedy: string,
): ErrorCodeEntry => ({ httpStatus, retryable, meaning, remedy });
