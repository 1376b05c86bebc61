import { VedetteError } from '../contract/errors.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { IpcConnection, UpdateProposal } from './ipc-connection.ts';

/** Whether an update may come now; if not, why, and when to ask again. */
export type UpdateAnswer =
  | { readonly mayPass: true; readonly isForced: boolean }
  | {
      readonly mayPass: false;
      readonly reasons: readonly string[];
      readonly recheckAfterMs: number;
    };

/**
 * Has classic's updates of components wait for the line. Lite does not ask: there the runtime's own
 * changes wait alone.
 */
export async function gateUpdates(
  connection: IpcConnection,
  ask: (deployment: string) => UpdateAnswer,
  logger: Logger,
): Promise<void> {
  const answer = async ({ deploymentId }: UpdateProposal): Promise<void> => {
    const decision = ask(`deployment ${deploymentId}`);
    if (decision.mayPass) {
      logger.info(
        { deploymentId },
        decision.isForced
          ? 'an update has waited as long as it may, and passes'
          : 'an update may come now',
      );
      await connection.deferUpdate({ deploymentId, recheckAfterMs: 0 });
      return;
    }
    const message = decision.reasons.join('; ');
    logger.info({ deploymentId }, `an update waits: ${message}`);
    const { recheckAfterMs } = decision;
    await connection.deferUpdate({ deploymentId, recheckAfterMs, message });
  };
  try {
    await connection.watchUpdates((proposal) => {
      answer(proposal).catch((thrown: unknown) => {
        const error = VedetteError.from(thrown).serialize();
        logger.warn({ error }, 'the nucleus was not told whether an update may come');
      });
    });
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    if (error.code !== 'GREENGRASS_REFUSED') throw error;
    logger.info('this nucleus does not ask before it updates components');
  }
}
