import { CheckResults, type Check, type CheckResult } from './check.ts';

const results = new CheckResults('bucket');
const TIMEOUT_MS = 5000;
/** Signed requests are refused beyond it. */
const SKEW_MS = 300_000;

interface Bucket {
  readonly path: string;
  readonly name: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}

/**
 * Whether configured buckets exist and can be reached. It asks without credentials: whether this device
 * may write there, only a delivery shows.
 */
export const checkBuckets: Check = async ({ config, environment }) => {
  const buckets = bucketsIn(config, '');
  if (buckets.length === 0) return [results.skipped('No bucket is configured')];
  const region = environment['AWS_REGION'];
  return Promise.all(buckets.map((bucket) => checkBucket(bucket, region)));
};

async function checkBucket(
  { path, name, region, endpoint }: Bucket,
  ownRegion = 'us-east-1',
): Promise<CheckResult> {
  const base = endpoint ?? `https://s3.${region ?? ownRegion}.amazonaws.com`;
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const url = `${base.replace(/\/$/, '')}/${encodeURIComponent(name)}`;
    response = await fetch(url, { method: 'HEAD', redirect: 'manual', signal });
  } catch (thrown) {
    const { cause, message } = thrown as Error;
    const reason = (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
    const remedy = 'Check the network, the proxy and the name server of the device.';
    return results.fault(`${path}: ${base} cannot be reached: ${reason}`, remedy);
  }
  const at = Date.parse(response.headers.get('date') ?? '');
  if (Math.abs(Date.now() - at) > SKEW_MS) {
    const says = `${path}: S3 says it is ${new Date(at).toISOString()}; the clock of this device is too far off`;
    return results.fault(says, 'Set the clock: requests to AWS are refused beyond five minutes.');
  }
  const other = response.headers.get('x-amz-bucket-region');
  if (response.status === 404) {
    return results.fault(`${path}: there is no bucket ${name}`, 'Correct its name, or make it.');
  }
  if (response.status === 301 && other !== null) {
    return results.fault(`${path}: ${name} is in ${other}`, `Set its region to ${other}.`);
  }
  return results.ok(`${path}: ${name} is there and can be reached`, { status: response.status });
}

/** Every setting named `bucket`, wherever it stands, with what stands beside it. */
function bucketsIn(node: unknown, path: string): Bucket[] {
  if (typeof node !== 'object' || node === null) return [];
  const map = node as Record<string, unknown>;
  const text = (key: string) => (typeof map[key] === 'string' ? map[key] : undefined);
  const name = text('bucket');
  const own =
    name === undefined
      ? []
      : [{ path: `${path}bucket`, name, region: text('region'), endpoint: text('endpoint') }];
  const below = Object.entries(map).flatMap(([key, one]) => bucketsIn(one, `${path}${key}.`));
  return [...own, ...below];
}
