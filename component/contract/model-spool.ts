import { z } from 'zod';
import { nameSchema, versionSchema } from './model-manifest.ts';

/**
 * How a model component has its model installed by the runtime on the same device, without HTTP and
 * without variables for another component's artifacts (nucleus lite has none):
 *
 *     <root>/work/<runtime component>/spool/requests/<id>.json   put there by one rename
 *     <root>/work/<runtime component>/spool/answers/<id>.json    the runtime's, by one rename
 *
 * The runtime makes both folders when it starts, so that their presence says that it reads them. It
 * answers each request once, when the model is installed, loaded and its golden pictures passed, or
 * when that failed; only then it removes the request, so that a runtime that was killed meanwhile
 * finds it again. Files whose names do not end in `.json` are not finished. A request whose package
 * is an installed version with the same content is answered at once: components ask again after
 * every boot. Answers are kept for a day.
 */
export const SPOOL = { folder: 'spool', requests: 'requests', answers: 'answers' } as const;

const id = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,199}$/, 'letters, digits, dots, _, @ and -, at most 200')
  .describe('Name of the files, without `.json`; never used twice');

const componentName = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, 'a component name');

export const spoolRequestSchema = z.strictObject({
  schemaVersion: z.literal(1),
  id,
  action: z.literal('install'),
  component: componentName.describe('The model component that asks'),
  componentVersion: z.string().min(1).max(64),
  model: z
    .strictObject({ name: nameSchema, version: versionSchema })
    .describe('What the package must say of itself'),
  package: z
    .string()
    .startsWith('/')
    .max(4096)
    .describe(
      'Absolute path of the archive, or of a folder. When it is gone later, the component was removed: so is the model',
    ),
});

const answered = { schemaVersion: z.literal(1), id };

/** One line of JSON without blanks around colons: sh looks for `"state":"ready"`, which no string in it can hold. */
export const spoolAnswerSchema = z.discriminatedUnion('state', [
  z.strictObject({ ...answered, state: z.literal('ready'), message: z.string() }),
  z.strictObject({
    ...answered,
    state: z.literal('refused'),
    code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
    message: z.string(),
  }),
]);

export type SpoolRequest = z.infer<typeof spoolRequestSchema>;
export type SpoolAnswer = z.infer<typeof spoolAnswerSchema>;
