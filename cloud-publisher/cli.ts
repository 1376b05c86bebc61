#!/usr/bin/env node
import { join } from 'node:path';
import { exitCodeOf } from '../component/commands/command-context.ts';
import { VedetteError } from '../component/contract/errors.ts';
import { createPublisherProgram } from './publisher-program.ts';

/** Refused by the remote side: the same call will be refused again. */
const REFUSED = 3;
const REMOTE_CODES =
  /^(AWS_|COMPONENTS?_|ARTIFACT_CONFLICT$|MODEL_COMPILATION_|TRAINING_JOB_|BUNDLE_(NOT_FOUND|EXISTS)$|ROLLOUT_(HELD|ROLLED_BACK|FAILED)$|DEPLOYMENT_CHANGED$)/;

const { program, context } = createPublisherProgram(process, {
  stateFolder:
    process.env['VEDETTE_PUBLISHER_STATE'] ?? join(process.cwd(), '.vedette', 'publisher'),
  interruption,
});

try {
  await program.parseAsync(process.argv);
} catch (error) {
  const exitCode = exitCodeOf(error, context);
  const isRefusal = error instanceof VedetteError && REMOTE_CODES.test(error.code);
  process.exitCode = isRefusal && exitCode !== 4 ? REFUSED : exitCode;
}

/** Ctrl-C of a command that asks for it: `vedette run` has its own way to stop. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () =>
      controller.abort(
        new VedetteError('SHUTTING_DOWN', 'stopped; the same command goes on where this one ended'),
      ),
    );
  }
  return controller.signal;
}
