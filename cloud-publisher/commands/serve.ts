import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SecretReference } from '../../component/contract/config-values.ts';
import { VedetteError } from '../../component/contract/errors.ts';
import { isLoopback } from '../../component/configuration/load-configuration.ts';
import { readServerToken } from '../../component/configuration/read-server-token.ts';
import { listenError } from '../../component/configuration/listen-error.ts';
import { createLogger } from '../../component/logging/create-logger.ts';
import { newLeaseOwner } from '../deployment/lease-owner.ts';
import { pollMsOf } from './deploy-rollout.ts';
import type { PublisherContext } from './publisher-context.ts';
import type { DestinationOptions } from './open-destination.ts';
import { withDestination } from './with-publication.ts';
import { withFleet, withRollouts } from './with-fleet.ts';

interface ServeOptions extends DestinationOptions {
  readonly state?: string;
  readonly host: string;
  readonly port: string;
  readonly tokenFile?: string;
  readonly allowHost?: readonly string[];
  readonly pollSeconds: string;
  readonly models?: string;
  readonly target?: readonly string[];
  readonly component?: string;
  readonly compileRole?: string;
  readonly compileOutput?: string;
}

/** What the server is given besides what every command of the publisher is. */
export interface ServeContext extends PublisherContext {
  readonly version: string;
  /** This command line. */
  readonly program: readonly string[];
  readonly readSecret: (reference: SecretReference) => Promise<string>;
}

/** `vedette serve` */
export function addServe(program: Command, context: ServeContext): void {
  withDestination(
    program
      .command('serve')
      .description(
        'carry roll-outs on and publish models that are asked for over HTTP, until Ctrl-C',
      ),
  )
    .option('--state <place>', "the publisher's records; else .vedette/publisher here")
    .option(
      '--host <address>',
      'address to listen on; another than loopback needs a token',
      '127.0.0.1',
    )
    .option('--port <number>', 'port to listen on; 0 takes a free one', '8090')
    .option('--token-file <file>', 'file with the token that requests must carry')
    .option('--allow-host <name...>', 'host names besides localhost that requests may use')
    .option('--poll-seconds <seconds>', 'how often AWS is asked', '15')
    .option('--models <folder>', 'folder below which models may be asked to be published')
    .option('--target <targets...>', 'dda: one component for each of these targets')
    .option('--component <name>', 'name of the component; else io.vedette.model.<model name>')
    .option(
      '--compile-role <arn>',
      'dda: role with which SageMaker Neo compiles for targets without an archive',
    )
    .option(
      '--compile-output <address>',
      'dda: where Neo finds the model and leaves archives, such as s3://bucket/prefix',
    )
    .action((options: ServeOptions) => serve(options, context));
}

async function serve(options: ServeOptions, context: ServeContext): Promise<void> {
  const { host, tokenFile, models } = options;
  const port = portOf(options);
  const pollMs = pollMsOf(options);
  const token =
    tokenFile === undefined
      ? undefined
      : await readServerToken({ file: tokenFile }, context.readSecret);
  if (token === undefined && !isLoopback(host)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `--host ${host} can be reached from elsewhere: give --token-file`,
    );
  }
  const [{ buildServer }, { RolloutCarrier }, { PublicationJobs }] = await Promise.all([
    import('../server/server-app.ts'),
    import('../server/rollout-carrier.ts'),
    import('../server/publication-jobs.ts'),
  ]);
  const logger = createLogger({ level: 'info', stream: context.stdout });
  const say = (text: string) => logger.info(text);
  const signal = context.interruption();
  await withRollouts(options, context, async (records) => {
    const carrier = new RolloutCarrier({
      ...{ records, pollMs, say },
      withDoors: (action) => withFleet(options, action),
    });
    const { program } = context;
    const jobs = new PublicationJobs(
      {
        ...{ records: records.jobs, owner: await newLeaseOwner(), program, say },
        options: publishOptions(options),
        models: models === undefined ? undefined : resolve(models),
      },
      signal,
    );
    const app = await buildServer({
      ...{ records, jobs, carrier, logger, token, models },
      version: context.version,
      training: trainingOptions(options),
      allowedHosts: options.allowHost ?? [],
    });
    try {
      const address = await app.listen({ host, port }).catch((cause: unknown) => {
        throw listenError(cause, host, port);
      });
      logger.info({ address, version: context.version }, 'the publisher serves');
      await Promise.all([carrier.run(signal), jobs.run()]);
    } finally {
      app.server.closeAllConnections();
      await app.close();
    }
    logger.info('stopped');
  });
}

/** How models of trainings that events tell of are published. */
function trainingOptions(options: ServeOptions): string[] | undefined {
  const { target = [], component, compileRole, compileOutput } = options;
  if (target.length === 0) return undefined;
  return [
    ...['--target', ...target],
    ...givenOf({
      '--component': component,
      '--compile-role': compileRole,
      '--compile-output': compileOutput,
    }),
  ];
}

/** What each publication is told, as the command line takes it. */
const publishOptions = (options: ServeOptions): string[] =>
  givenOf({
    '--to': options.to,
    '--bucket': options.bucket,
    '--prefix': options.prefix,
    '--region': options.region,
    '--role-arn': options.roleArn,
    '--external-id': options.externalId,
    '--state': options.state,
  });

const givenOf = (options: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));

function portOf({ port }: ServeOptions): number {
  const number = Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new VedetteError('REQUEST_INVALID', `--port is '${port}', expected 0 to 65535`);
}
