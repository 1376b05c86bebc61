/** Formats every file in place: Prettier, and clang-format for C++. */
import { fileURLToPath } from 'node:url';
import { runCommand } from './test-run/run-command.ts';
import { cppFiles } from './test-run/static-checks.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const commands: [string, string[]][] = [
  [
    process.execPath,
    ['node_modules/prettier/bin/prettier.cjs', '--write', '--log-level=warn', '.'],
  ],
  ['clang-format', ['-i', ...cppFiles(root)]],
];

for (const [command, args] of commands) {
  const { exitCode, output } = await runCommand(command, args, { cwd: root, timeoutMs: 600_000 });
  if (exitCode !== 0) {
    const isMissing = exitCode === 127 && command === 'clang-format';
    console.error(
      isMissing
        ? 'C++ files were left as they are: clang-format is missing (apt-get install clang-format).'
        : `${command} failed:\n${output}`,
    );
    process.exitCode = 1;
  }
}
