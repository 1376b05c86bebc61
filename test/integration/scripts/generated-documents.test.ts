import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { generatedDocuments } from '../../../scripts/docs/generated-documents.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const documents = await generatedDocuments(root);

describe('the generated documents', () => {
  it.each([...documents.keys()])('%s is what the contracts say', (path) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(documents.get(path));
  });
});
