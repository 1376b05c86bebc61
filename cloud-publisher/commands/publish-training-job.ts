import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { VedetteError } from '../../component/contract/errors.ts';
import { JOB_NAME, MAX_EVENT_BYTES, readTrainingEvent } from '../sagemaker/training-event.ts';
import type { TrainingEvent } from '../sagemaker/training-event.ts';
import { waitForTraining } from '../sagemaker/wait-for-training.ts';
import { fetchObject } from '../storage/fetch-object.ts';
import { credentialsOf } from './aws-options.ts';
import type { AwsOptions } from './aws-options.ts';
import { publishModel, withPublishOptions } from './publish-model.ts';
import { pollingFor } from './publish-options.ts';
import type { PublishModelOptions } from './publish-options.ts';
import type { PublisherContext } from './publisher-context.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { showPhases } from './show-phases.ts';
import type { Note } from './show-phases.ts';

interface TrainingOptions extends PublishModelOptions {
  readonly event?: string;
  readonly trainingWaitSeconds: string;
}

/** SageMaker trains for 28 days at most. */
const MAX_TRAINING_SECONDS = 28 * 86_400;
const TRAINING_INTERVAL_MS = 30_000;

/** `vedette publish training-job` */
export function addPublishTrainingJob(publish: Command, context: PublisherContext): void {
  const command = publish
    .command('training-job')
    .description('publish what a training job of SageMaker leaves, when it has ended')
    .argument('[name]', 'name of the training job; else that of the event')
    .option(
      '--event <file>',
      'an event of EventBridge that says how a training job is; - for standard input',
    )
    .option(
      '--training-wait-seconds <seconds>',
      'how long to wait until the training has ended',
      '86400',
    );
  withPublishOptions(command, 'dda').action((name: string | undefined, options: TrainingOptions) =>
    publishTrainingJob(name, options, context),
  );
}

async function publishTrainingJob(
  named: string | undefined,
  given: TrainingOptions,
  context: PublisherContext,
): Promise<void> {
  const polling = pollingFor(
    '--training-wait-seconds',
    given.trainingWaitSeconds,
    MAX_TRAINING_SECONDS,
    TRAINING_INTERVAL_MS,
  );
  const event =
    given.event === undefined ? undefined : readTrainingEvent(await textOf(given.event));
  const name = nameOf(named, event);
  if (event && event.status !== 'Completed') {
    showNothing(event, given, context);
    return;
  }
  const region = given.region ?? event?.region;
  const options = { ...given, ...(region === undefined ? {} : { region }) };
  const signal = context.interruption();
  const { phase } = showPhases(context, options.json === true);
  await withScratchFolder(async (scratch) => {
    const file = join(scratch, `${name}.tar.gz`);
    const uri = await phase('train', (note) =>
      fetchTrained(name, event, file, options, polling, note, signal),
    );
    const named = { name: options.name ?? name, trainingId: options.trainingId ?? name };
    await publishModel(file, { ...options, ...named }, context, uri);
  });
}

/** Waits for the job and fetches its output. @returns `s3://…` of it */
async function fetchTrained(
  name: string,
  event: TrainingEvent | undefined,
  file: string,
  aws: AwsOptions,
  polling: ReturnType<typeof pollingFor>,
  note: Note,
  signal: AbortSignal,
): Promise<string> {
  const [{ findAccount }, { SageMakerGateway, openSageMaker }, { openSource }] = await Promise.all([
    import('../aws/find-account.ts'),
    import('../sagemaker/sagemaker-gateway.ts'),
    import('./open-destination.ts'),
  ]);
  const credentials = await credentialsOf(aws);
  const account = await findAccount(aws.region, credentials);
  if (event && event.accountId !== account.accountId) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `the event is of account ${event.accountId}, the credentials are of ${account.accountId}: give --role-arn of a role there`,
    );
  }
  const jobs = new SageMakerGateway(openSageMaker(account.region, credentials), account);
  const { region, roleArn, externalId } = aws;
  const source = await openSource({
    ...(region === undefined ? {} : { region }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
  });
  try {
    const onState = (says: string): void => note(`${name} is ${says}`);
    const uri = await waitForTraining(jobs, name, polling, onState, signal);
    if (await fetchObject(source, uri, file, signal)) return uri;
    throw new VedetteError(
      'TRAINING_JOB_FAILED',
      `training job '${name}' is Completed, but there is nothing at ${uri} any more`,
    );
  } finally {
    jobs.close();
    source.close();
  }
}

/** @throws VedetteError REQUEST_INVALID */
function nameOf(named: string | undefined, event: TrainingEvent | undefined): string {
  if ((named === undefined) === (event === undefined)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      'give the name of a training job or --event <file>, one of them',
    );
  }
  const name = named ?? event!.trainingJob;
  if (JOB_NAME.test(name)) return name;
  throw new VedetteError(
    'REQUEST_INVALID',
    `'${name}' is no name of a training job: letters, digits and single dashes, at most 63`,
  );
}

/** A rule may send every change: what is not the end of a training is no fault. */
function showNothing(
  { trainingJob, status, reason }: TrainingEvent,
  { json }: TrainingOptions,
  { stdout }: PublisherContext,
): void {
  const why = reason === undefined ? '' : ` (${reason})`;
  stdout.write(
    json
      ? `${JSON.stringify({ trainingJob, status, isPublished: false }, undefined, 2)}\n`
      : `training job ${trainingJob} is ${status}${why}: nothing to publish\n`,
  );
}

/** @throws VedetteError NOT_FOUND, REQUEST_INVALID for what is longer than an event */
async function textOf(file: string): Promise<string> {
  if (file !== '-') {
    return readFile(file, 'utf8').catch((cause: unknown) => {
      throw new VedetteError('NOT_FOUND', `there is no event at ${file}`, { cause });
    });
  }
  const chunks: Buffer[] = [];
  let byteLength = 0;
  for await (const chunk of process.stdin as Readable as AsyncIterable<Buffer>) {
    byteLength += chunk.length;
    chunks.push(chunk);
    // One more byte than is read tells that it is too long.
    if (byteLength > MAX_EVENT_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
