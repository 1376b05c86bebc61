// @ts-check
/**
 * The door of every `npm start`, `npm test` and `npm run …`: prepares what is missing, then hands
 * over to the pinned Node. Runs on the system's Node (20 or later), so it is plain JavaScript and
 * imports nothing that npm installs.
 */
import { fileURLToPath } from 'node:url';
import { handOver } from './setup/hand-over.mjs';
import { pinnedNode } from './setup/pinned-node.mjs';
import { prepare } from './setup/prepare.mjs';
import { SetupError } from './setup/setup-error.mjs';

const OLDEST_NODE = 20;
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * What each command needs (see setup/prepare.mjs) and what it becomes under the pinned Node.
 * @type {Record<string, { needs: import('./setup/prepare.mjs').Needs, runs: string[] }>}
 */
const COMMANDS = {
  start: { needs: 'run', runs: ['component/main.ts', 'run', '--demo'] },
  vedette: { needs: 'run', runs: ['cloud-publisher/cli.ts'] },
  package: { needs: 'package', runs: ['scripts/package.ts'] },
  bench: { needs: 'package', runs: ['scripts/bench.ts'] },
  parity: { needs: 'run', runs: ['scripts/parity.ts'] },
  soak: { needs: 'test', runs: ['scripts/soak.ts'] },
  test: { needs: 'test', runs: ['scripts/test.ts'] },
  'test-deep': { needs: 'deep', runs: ['scripts/test.ts', '--deep'] },
  docs: { needs: 'packages', runs: ['scripts/generate-docs.ts'] },
  format: { needs: 'packages', runs: ['scripts/format.ts'] },
};

const [name = '', ...extra] = process.argv.slice(2);
const command = COMMANDS[name];

try {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new SetupError(
      `Vedette's set-up needs Node ${OLDEST_NODE} or later; this is ${process.versions.node}.`,
      2,
    );
  }
  if (!command) {
    throw new SetupError(
      `Unknown command «${name}». Known: ${Object.keys(COMMANDS).join(', ')}.`,
      2,
    );
  }
  await prepare(root, command.needs);
  process.exitCode = await handOver(pinnedNode(root), [...command.runs, ...extra], root);
} catch (thrown) {
  if (!(thrown instanceof SetupError)) throw thrown;
  console.error(thrown.message);
  process.exitCode = thrown.exitCode;
}
