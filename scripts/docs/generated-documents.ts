import { format, resolveConfig } from 'prettier';
import { ERROR_CODES } from '../../component/contract/errors.ts';
import { createPublisherProgram } from '../../cloud-publisher/publisher-program.ts';
import { commandsPage } from './commands-page.ts';
import { configurationPage } from './configuration-page.ts';
import { errorsPage } from './errors-page.ts';
import { configJsonSchema, manifestJsonSchema } from './json-schemas.ts';

/** Every generated document: its path below the root and its whole text, formatted. */
export async function generatedDocuments(root: string): Promise<Map<string, string>> {
  const config = configJsonSchema();
  const { program } = createPublisherProgram(process, {
    stateFolder: '',
    interruption: () => new AbortController().signal,
  });
  const documents = {
    'docs/COMMANDS.md': commandsPage(program),
    'docs/CONFIGURATION.md': configurationPage(config),
    'docs/ERRORS.md': errorsPage(ERROR_CODES),
    'docs/config.schema.json': JSON.stringify(config),
    'docs/model-manifest.schema.json': JSON.stringify(manifestJsonSchema()),
  };
  const options = await resolveConfig(`${root}/docs/CONFIGURATION.md`);
  const formatted = await Promise.all(
    Object.entries(documents).map(
      async ([path, text]) =>
        [path, await format(text, { ...options, filepath: `${root}/${path}` })] as const,
    ),
  );
  return new Map(formatted);
}
