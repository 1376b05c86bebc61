import path from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import type { PublicationRequest } from '../registry/publication-job-records.ts';
import { readTrainingEvent } from '../sagemaker/training-event.ts';

const word = z
  .string()
  .regex(/^[^-]/, 'begins with a dash')
  .regex(/^[^\p{Cc}]{1,256}$/u, 'expected 1 to 256 characters, none of them a control character');

/** One that still trains is refused: whoever waits for it holds nobody else up. */
const TRAINED = ['publish', 'training-job', '--training-wait-seconds', '0'];

/** Body of `POST /api/v1/publications`. */
export const publicationSchema = z
  .strictObject({
    /** Below the folder of models that the server was given. */
    model: word.optional(),
    /** Of SageMaker, when it has completed. */
    trainingJob: word.optional(),
    profile: z.enum(['vedette', 'dda']).optional(),
    component: word.optional(),
    name: word.optional(),
    modelVersion: word.optional(),
    acceptGuesses: z.boolean().optional(),
    targets: z.array(word).max(50).optional(),
  })
  .refine(({ model, trainingJob }) => (model === undefined) !== (trainingJob === undefined), {
    message: 'give `model` or `trainingJob`, one of them',
  });

export type PublicationBody = z.infer<typeof publicationSchema>;

/**
 * The command that publishes what was asked for.
 * @param models folder below which models may be named
 * @throws VedetteError REQUEST_INVALID for what is not below it
 */
export function publicationRequest(
  body: PublicationBody,
  models: string | undefined,
): PublicationRequest {
  const { model, trainingJob, profile, component, name, modelVersion, targets = [] } = body;
  const options = [
    ...given('--profile', profile),
    ...given('--component', component),
    ...given('--name', name),
    ...given('--model-version', modelVersion),
    ...(body.acceptGuesses ? ['--accept-guesses'] : []),
    ...targets.flatMap((target) => ['--target', target]),
  ];
  if (trainingJob !== undefined) {
    return { source: trainingJob, command: [...TRAINED, trainingJob, ...options] };
  }
  const file = belowModels(model!, models);
  return { source: model!, command: ['publish', 'model', file, ...options] };
}

/**
 * What an event of EventBridge about a training job, as an API destination sends it, asks for; nothing
 * when the job has not completed.
 * @param training how models of trainings are published; nothing when they are not
 * @throws VedetteError REQUEST_INVALID
 */
export function eventRequest(
  event: unknown,
  training: readonly string[] | undefined,
): PublicationRequest | undefined {
  const input = JSON.stringify(event ?? null);
  const { trainingJob, status } = readTrainingEvent(input);
  if (training === undefined) {
    throw new VedetteError(
      'REQUEST_INVALID',
      'this server was given no targets: start it with --target <targets...>',
    );
  }
  if (status !== 'Completed') return undefined;
  const command = ['publish', 'training-job', '--event', '-', ...training];
  return { source: trainingJob, command, input };
}

const given = (option: string, value: string | undefined): string[] =>
  value === undefined ? [] : [option, value];

function belowModels(model: string, models: string | undefined): string {
  if (models === undefined) {
    throw new VedetteError(
      'REQUEST_INVALID',
      'this server was given no folder of models: start it with --models <folder>',
    );
  }
  const folder = path.resolve(models);
  const file = path.resolve(folder, model);
  const way = path.relative(folder, file);
  if (way !== '' && way !== '..' && !way.startsWith(`..${path.sep}`)) return file;
  throw new VedetteError(
    'REQUEST_INVALID',
    `'${model}' is not below the folder of models; expected a path relative to it`,
  );
}
