import { existsSync } from 'node:fs';

/** util-linux' way to have a child that ends with its parent, also when the parent is killed. */
const SETPRIV = '/usr/bin/setpriv';

export interface TiedProgram {
  readonly file: string;
  readonly arguments: readonly string[];
  /** False where util-linux is missing: then the program is started as it is. */
  readonly isTied: boolean;
}

/** How to start a program so that it ends with this process, also when this process is killed. */
export function tiedProgram(file: string, given: readonly string[]): TiedProgram {
  const isTied = existsSync(SETPRIV);
  return isTied
    ? { file: SETPRIV, arguments: ['--pdeathsig', 'KILL', '--', file, ...given], isTied }
    : { file, arguments: given, isTied };
}
