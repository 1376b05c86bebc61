import type { VedetteError } from '../../contract/errors.ts';
import type { TriggerRequest } from '../../contract/transaction.ts';

/** Something that triggers a camera. One file for each kind. */
export interface TriggerSource {
  /** No trigger comes after it has resolved. */
  close(): Promise<void>;
}

/** None of its functions throws. */
export interface TriggerListener {
  /**
   * Opens a transaction, to be called at the moment of the trigger: what has to be asked for first comes
   * with `arriving`. One that is refused is counted and logged.
   */
  fire(request: Pick<TriggerRequest, 'id' | 'context' | 'arriving'>): void;
  /** Something came that is no trigger. */
  refuse(error: VedetteError): void;
  /** From now on it hears what happens; may be called again. */
  listening(): void;
  /** It hears nothing until it says `listening` again. */
  lost(error: VedetteError): void;
}
