import { VedetteError } from '../contract/errors.ts';
import type { ErrorCode } from '../contract/errors.ts';

/** The call that was refused: for people, and for the policy statement that would allow it. */
export interface AwsCall {
  /** As policies write it, such as `s3:PutObject`. */
  readonly action: string;
  /** ARN, as policies write it. */
  readonly resource: string;
}

/** What an SDK's error carries, as far as it is looked at. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly Code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const EXPIRED =
  /^(ExpiredToken(Exception)?|TokenRefreshRequired|RequestExpired|ExpiredTokenException)$/;
const MISSING = /^(CredentialsProviderError|TokenProviderError|Region is missing)$/;
const REFUSED =
  /^(InvalidAccessKeyId|SignatureDoesNotMatch|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|IncompleteSignature|AuthFailure|RequestTimeTooSkewed|InvalidToken)$/;
const DENIED = /^(AccessDenied(Exception)?|Forbidden|UnauthorizedOperation|AllAccessDisabled)$/;
const THROTTLED =
  /^(Throttling(Exception)?|TooManyRequestsException|SlowDown|RequestLimitExceeded|ThrottledException)$/;
const QUOTA =
  /^(ServiceQuotaExceededException|TooManyBuckets|LimitExceededException|ResourceLimitExceeded)$/;
const OTHER_REGION =
  /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/;
const NETWORK =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|TimeoutError|NetworkingError|AbortError)$/;

/** An error of an AWS SDK as a coded error that names the call, the cause and the way out. */
export function awsFault(thrown: unknown, call: AwsCall): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  const error = thrown as SdkError & { readonly code?: string };
  // One call may need several permissions, such as that to tag: AWS says which one is missing.
  const missing = /not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)/.exec(
    error.message ?? '',
  )?.[1];
  const needed = missing === undefined ? call : { ...call, action: missing };
  const status = error.$metadata?.httpStatusCode ?? 0;
  const name = error.Code ?? error.name ?? 'Error';
  const code = codeOf(name, error, status);
  const region = error.$response?.headers?.['x-amz-bucket-region'];
  const said = `${name}${status === 0 ? '' : ` (${status})`}: ${error.message ?? 'no message'}`;
  return new VedetteError(
    code,
    `${call.action} on ${call.resource}: ${said}${more(code, needed, region)}`,
    {
      cause: thrown,
      details: {
        call: call.action,
        resource: call.resource,
        awsCode: name,
        ...(status === 0 ? {} : { httpStatus: status }),
        ...(error.$metadata?.requestId ? { requestId: error.$metadata.requestId } : {}),
        ...(code === 'AWS_ACCESS_DENIED' ? { statement: statementFor(needed) } : {}),
        ...(region === undefined ? {} : { region }),
      },
    },
  );
}

function codeOf(name: string, error: SdkError & { code?: string }, status: number): ErrorCode {
  if (EXPIRED.test(name)) return 'AWS_CREDENTIALS_EXPIRED';
  if (MISSING.test(name) || error.message === 'Region is missing') return 'AWS_CREDENTIALS_MISSING';
  if (REFUSED.test(name)) return 'AWS_CREDENTIALS_REFUSED';
  if (OTHER_REGION.test(name) || status === 301) return 'AWS_REGION_WRONG';
  if (DENIED.test(name)) return 'AWS_ACCESS_DENIED';
  if (name === 'NoSuchBucket') return 'AWS_BUCKET_NOT_FOUND';
  if (QUOTA.test(name)) return 'AWS_QUOTA_EXCEEDED';
  if (THROTTLED.test(name) || status === 429) return 'AWS_THROTTLED';
  if (status >= 500 || NETWORK.test(name) || NETWORK.test(error.code ?? ''))
    return 'AWS_UNAVAILABLE';
  if (status === 403) return 'AWS_ACCESS_DENIED';
  if (status >= 400) return 'AWS_REQUEST_REFUSED';
  return status === 0 && name === 'Error' ? 'AWS_UNAVAILABLE' : 'INTERNAL';
}

function more(code: ErrorCode, call: AwsCall, region: string | undefined): string {
  if (code === 'AWS_ACCESS_DENIED') return `; needed: ${JSON.stringify(statementFor(call))}`;
  if (code === 'AWS_REGION_WRONG' && region !== undefined) return `; the bucket is in ${region}`;
  return '';
}

const statementFor = ({ action, resource }: AwsCall) => ({
  Effect: 'Allow',
  Action: action,
  Resource: resource,
});
