import type { VedetteError } from '../../contract/errors.ts';
import type { TriggerRequest } from '../../contract/transaction.ts';

/** Something that triggers a camera. One file for each kind. */
export interface TriggerSource {
  /** No trigger comes after it has resolved. */
  close(): Promise<void>;
}

export interface TriggerListener {
  /** Opens a transaction; one that is refused is counted and logged. Never throws. */
  fire(request: Pick<TriggerRequest, 'id' | 'context'>): void;
  /** Something came that is no trigger. Never throws. */
  refuse(error: VedetteError): void;
}
