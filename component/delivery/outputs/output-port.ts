import type { OutputMessage } from '../../contract/output.ts';

/** A way to tell a machine or a program of a verdict. One file for each kind. */
export interface OutputPort {
  /**
   * One try. Resolves with what the receiver said when it has it. `signal` is aborted at the end of the
   * output, and then it need not be waited for. After `untilMs` in steady time it is of no more use.
   * @throws VedetteError; it is tried again, unless the code is MESSAGE_REFUSED or OUTPUT_UNCERTAIN
   */
  send(message: OutputMessage, signal: AbortSignal, untilMs: number): Promise<string>;
  /** After the last `send` was given up or ended: leaves the machine as it is to stand. */
  close?(): Promise<void>;
}
