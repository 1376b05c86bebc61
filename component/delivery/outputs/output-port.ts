import type { OutputMessage } from '../../contract/output.ts';

/** A way to tell a machine or a program of a verdict. One file for each kind. */
export interface OutputPort {
  /**
   * One try. Resolves with what the receiver said when it has it.
   * @throws VedetteError; it is tried again
   */
  send(message: OutputMessage, signal: AbortSignal): Promise<string>;
}
