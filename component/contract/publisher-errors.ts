import { entry } from './error-code-entry.ts';
import type { ErrorCodeEntry } from './error-code-entry.ts';

/** Error codes of the publisher: packages, recipes, component versions, and what AWS answers. */
export const PUBLISHER_ERROR_CODES = {
  MANIFEST_GUESSED: entry(
    422,
    false,
    'The manifest of a bare ONNX file could only be guessed in part.',
    'Write a `model.json` beside the file, beginning with what `vedette model inspect` prints, or accept the listed guesses with `--accept-guesses`.',
  ),
  DDA_TARGET_UNKNOWN: entry(
    400,
    false,
    "A target is not in DDA's table, or cannot run this kind of model; nothing was created.",
    'Use one of the targets that the message lists.',
  ),
  RECIPE_INVALID: entry(
    422,
    false,
    'A component recipe would be refused by Greengrass; every problem is listed.',
    'Correct what the message names; docs/PUBLISHER.md has the limits.',
  ),
  ARTIFACT_TOO_LARGE: entry(
    413,
    false,
    'The artifacts of a component version are larger than the 2 GB that Greengrass takes.',
    'Publish fewer variants in one package, or a smaller model.',
  ),
  ARTIFACT_CONFLICT: entry(
    409,
    false,
    'Where an artifact belongs lies another file; nothing is ever overwritten.',
    'Look at the named file: whoever put it there did not use its digest. Remove it or publish elsewhere.',
  ),
  ARTIFACT_CORRUPT: entry(
    502,
    true,
    'What the store holds of an artifact is not what was sent: its digest differs.',
    'Publish again; if it happens again, check the disk and the network in between.',
  ),
  ARTIFACT_STORE_UNAVAILABLE: entry(
    503,
    true,
    "The folder of artifacts or of the publisher's own files could not be read or written.",
    'Check the permissions and the disk that the message names.',
  ),
  COMPONENT_VERSION_EXISTS: entry(
    409,
    false,
    'This component version exists already, with other content; published versions never change.',
    'Publish the next free version, which the message names.',
  ),
  COMPONENT_NOT_FOUND: entry(
    404,
    false,
    'There is no such component or version.',
    'Check the name; `vedette component list` shows what there is.',
  ),
  COMPONENT_FAILED: entry(
    422,
    false,
    'Greengrass could not make the component version deployable; its reasons are listed.',
    'Correct what the message names (most often: Greengrass may not read the artifact) and publish again.',
  ),
  COMPONENT_NOT_READY: entry(
    503,
    true,
    'Greengrass has not made the component version deployable within the time given.',
    'Publish again: it goes on waiting for the same version.',
  ),
  COMPONENTS_CONFLICT: entry(
    409,
    false,
    'No versions of the components go together on the devices; the proof is given in sentences.',
    'Change what the sentences begin with: a version that is asked for, a device, or publish a version that fits.',
  ),
  PUBLISHER_RECORDS_UNAVAILABLE: entry(
    503,
    true,
    "The publisher's records could not be opened, read or written.",
    'Check the permissions and the disk of the folder that the message names.',
  ),
  AWS_CREDENTIALS_MISSING: entry(
    401,
    false,
    'No AWS credentials or no region were found for a call.',
    'Sign in (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_REGION or `--region`.',
  ),
  AWS_CREDENTIALS_EXPIRED: entry(
    401,
    false,
    'The AWS credentials have expired.',
    'Sign in again (`aws sso login` or new session credentials), then repeat the command: it goes on where it stopped.',
  ),
  AWS_CREDENTIALS_REFUSED: entry(
    401,
    false,
    'AWS does not know the access key or refuses its signature.',
    'Check the access key, its secret and the clock of this machine.',
  ),
  AWS_ACCESS_DENIED: entry(
    403,
    false,
    'The AWS credentials may not make a call.',
    'Have the statement that the message ends with added to the policy of the user or role.',
  ),
  AWS_REGION_WRONG: entry(
    400,
    false,
    'The bucket is in another region than the one that was asked.',
    'Use the region that the message names, with `--region` or AWS_REGION; Greengrass reads artifacts of its own region.',
  ),
  AWS_BUCKET_NOT_FOUND: entry(
    404,
    false,
    'There is no such bucket.',
    'Check the name, or create the bucket; the publisher makes none by itself.',
  ),
  AWS_QUOTA_EXCEEDED: entry(
    429,
    false,
    'A quota of the AWS account is used up.',
    'Delete component versions that are no longer used, or have the quota raised.',
  ),
  AWS_THROTTLED: entry(
    429,
    true,
    'AWS refused a call because there were too many, also after several attempts.',
    'Repeat the command in a minute: it goes on where it stopped.',
  ),
  AWS_UNAVAILABLE: entry(
    503,
    true,
    'AWS did not answer a call, or answered with an error of its own, also after several attempts.',
    'Check the network and repeat the command: it goes on where it stopped.',
  ),
  AWS_REQUEST_REFUSED: entry(
    400,
    false,
    'AWS refused a call as invalid.',
    'The message holds the reason that AWS gave.',
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
