import { VedetteError } from '../../component/contract/errors.ts';
import type { ComponentCatalog } from './component-catalog.ts';
import type { DeviceFacts } from './device-facts.ts';
import { demandsOf } from './device-limits.ts';
import { explainConflict } from './solver/explain-conflict.ts';
import { solve } from './solver/solve.ts';

export interface Wish {
  readonly wanted: ReadonlyMap<string, string>;
  /** Every one of them must be able to run the outcome. */
  readonly devices: readonly DeviceFacts[];
  readonly preferred?: ReadonlyMap<string, string>;
}

/**
 * The newest versions that go together on all devices, by component.
 * @throws VedetteError COMPONENTS_CONFLICT with the proof in sentences
 */
export async function resolveComponents(
  { wanted, devices, preferred = new Map() }: Wish,
  catalog: ComponentCatalog,
): Promise<ReadonlyMap<string, string>> {
  const result = await solve({ wanted, preferred, ...demandsOf(devices, catalog) }, catalog);
  if (result.isSolved) return result.versions;
  const sentences = explainConflict(result.conflict);
  throw new VedetteError(
    'COMPONENTS_CONFLICT',
    `no versions go together:${sentences.map((sentence) => `\n  ${sentence}`).join('')}`,
    { details: { sentences } },
  );
}
