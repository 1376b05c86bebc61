import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Registry } from '../../../component/registry/registry.ts';
import { openRegistry, temporaryFolder } from './temporary-registry.ts';

const program = join(import.meta.dirname, 'append-until-killed.ts');
const open = (dataFolder: string) => Registry.open({ dataFolder, onNotice: () => undefined });

it('a data folder serves one process; a killed one leaves it free', async () => {
  const dataFolder = await temporaryFolder();
  const child = spawn(process.execPath, [program, dataFolder, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  await expect(open(dataFolder)).rejects.toMatchObject({
    code: 'DATA_FOLDER_LOCKED',
    message: expect.stringContaining(`process ${child.pid}`) as string,
  });
  child.kill('SIGKILL');
  await exited;
  await openRegistry(dataFolder);
});

it('a data folder is not opened twice in one process either', async () => {
  const { dataFolder, registry } = await openRegistry();
  await expect(open(dataFolder)).rejects.toMatchObject({ code: 'DATA_FOLDER_LOCKED' });
  await registry.close();
  await openRegistry(dataFolder);
});
