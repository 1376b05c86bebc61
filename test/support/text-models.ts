import { join } from 'node:path';
import { copyTextModels } from '../../scripts/setup/copy-text-models.mjs';

const root = join(import.meta.dirname, '../..');

/** The folder of a text model's package, with the weights that the set-up puts there. */
export function textModel(name: 'text-detection' | 'text-direction' | 'text-recognition'): string {
  copyTextModels(root);
  return join(root, 'samples/models', name);
}
