import { CheckResults, type Check } from './check.ts';

const results = new CheckResults('credentials');
const TIMEOUT_MS = 5000;
const LOW_MS = 60_000;

/** Whether the token exchange service gives credentials of AWS. None of them is shown. */
export const checkCredentials: Check = async ({ environment }) => {
  const address = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  const token = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  if (address === undefined || token === undefined) {
    return [results.skipped('The component is given no credentials of AWS')];
  }
  const remedy =
    'See the log of aws.greengrass.TokenExchangeService (classic) or ggl.aws.greengrass.TokenExchangeService (lite).';
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(address, { headers: { authorization: token }, signal });
  } catch (thrown) {
    const { cause, message } = thrown as Error;
    const reason = (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
    return [results.fault(`The token exchange service cannot be reached: ${reason}`, remedy)];
  }
  if (!response.ok) {
    return [
      results.fault(
        `The token exchange service answers ${response.status}`,
        'Check the role alias of the device, the trust of its role (credentials.iot.amazonaws.com), and its connection to AWS.',
        { status: response.status },
      ),
    ];
  }
  const { Expiration: until } = (await response.json().catch(() => ({}))) as {
    Expiration?: string;
  };
  const leftMs = Date.parse(until ?? '') - Date.now();
  if (!Number.isFinite(leftMs)) {
    return [results.fault('The token exchange service gives no credentials', remedy)];
  }
  if (leftMs < LOW_MS) {
    const says = `The credentials of AWS ended or end at ${until}`;
    return [results.fault(says, 'Check the clock, then the token exchange service.')];
  }
  return [results.ok(`Credentials of AWS are given, until ${until}`)];
};
