import path from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../../component/contract/errors.ts';
import { MAX_EVENT_BYTES } from '../sagemaker/training-event.ts';
import type { PublicationRequest } from './publication-jobs.ts';

const word = z.string().min(1).max(256).regex(/^[^-]/, 'begins with a dash');

/** Body of `POST /api/v1/publications`. */
export const publicationSchema = z
  .strictObject({
    /** Below the folder of models that the server was given. */
    model: word.optional(),
    /** Of SageMaker, waited for when it is still training. */
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
    return { source: trainingJob, command: ['publish', 'training-job', trainingJob, ...options] };
  }
  const file = belowModels(model!, models);
  return { source: model!, command: ['publish', 'model', file, ...options] };
}

/** An event of EventBridge about a training job, as an API destination sends it. */
export function eventRequest(event: unknown): PublicationRequest {
  const input = JSON.stringify(event);
  if (Buffer.byteLength(input) > MAX_EVENT_BYTES) {
    throw new VedetteError('REQUEST_INVALID', `an event has at most ${MAX_EVENT_BYTES} bytes`);
  }
  return { source: 'an event', command: ['publish', 'training-job', '--event', '-'], input };
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
  if (file.startsWith(`${folder}${path.sep}`)) return file;
  throw new VedetteError(
    'REQUEST_INVALID',
    `'${model}' is not below the folder of models; expected a path relative to it`,
  );
}
