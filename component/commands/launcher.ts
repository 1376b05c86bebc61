import path from 'node:path';
import { writeSynced } from '../configuration/write-synced.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Puts the command line of the version that runs into the component's work folder, whose path stays the
 * same over versions: who links it once has `vedette` on the PATH of the device, without the
 * component needing more rights than its work folder.
 * @param program what starts this command line, such as Node and the file it runs
 */
export async function writeLauncher(
  workFolder: string,
  program: readonly [string, ...string[]],
  thing: string | undefined,
): Promise<string> {
  const file = path.join(workFolder, 'vedette');
  const text = `#!/bin/sh
# Written by Vedette at each of its starts: the command line of the version that runs here.
# Once, for everybody's PATH: ln -s ${quoted(file)} /usr/local/bin/vedette
export VEDETTE_WORK_FOLDER=${quoted(workFolder)}
${thing === undefined ? '' : `export AWS_IOT_THING_NAME=${quoted(thing)}\n`}\
[ -x ${quoted(program[0])} ] || {
  echo "This version of Vedette is no longer installed; the next one writes ${file} again." >&2
  exit 1
}
exec ${program.map(quoted).join(' ')} "$@"
`;
  await writeSynced(file, text, 0o755);
  return file;
}
