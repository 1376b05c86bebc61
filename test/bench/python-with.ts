import { execFileSync } from 'node:child_process';

/** The one that comes first in the search path, then the system's, which Debian's packages are for. */
const CANDIDATES = ['python3', '/usr/bin/python3'] as const;

export interface FoundPython {
  /** Absent when there is none. */
  readonly command?: string;
  /** What each candidate said; empty when one has everything. */
  readonly missing: string;
}

/** A Python that has all these modules, or what each candidate says it lacks. */
export function pythonWith(
  modules: readonly string[],
  tryImport: (command: string, modules: readonly string[]) => string | undefined = importError,
): FoundPython {
  const reasons: string[] = [];
  for (const command of CANDIDATES) {
    const reason = tryImport(command, modules);
    if (reason === undefined) return { command, missing: '' };
    reasons.push(`${command}: ${reason}`);
  }
  return { missing: reasons.join('; ') };
}

/** What Python says when it cannot import them; `undefined` when it can. */
function importError(command: string, modules: readonly string[]): string | undefined {
  try {
    execFileSync(command, ['-c', `import ${modules.join(', ')}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return undefined;
  } catch (error) {
    const { stderr, code } = error as { stderr?: Buffer; code?: string };
    const said = (stderr ?? '').toString().trim().split('\n').at(-1);
    return said || (code === 'ENOENT' ? 'not installed' : String(error));
  }
}
