import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runLogged } from '../../../scripts/setup/run-logged.mjs';
import { withSetupLock } from '../../../scripts/setup/setup-lock.mjs';
import { fingerprint, isStamped, writeStamp } from '../../../scripts/setup/stamp.mjs';

const handOverModule = fileURLToPath(
  new URL('../../../scripts/setup/hand-over.mjs', import.meta.url),
);
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('a stamp', () => {
  const print = (): string => fingerprint(folder, ['native', 'gone.gyp'], ['v24']);

  it('holds as long as no byte changed', () => {
    mkdirSync(join(folder, 'native/core'), { recursive: true });
    writeFileSync(join(folder, 'native/core/a.cc'), 'int a;');
    const file = join(folder, 'build/setup/addon.stamp');
    expect(isStamped(file, print())).toBe(false);
    writeStamp(file, print());
    writeFileSync(join(folder, 'native/core/a.cc'), 'int a;');
    expect(isStamped(file, print())).toBe(true);
  });

  it('is void when a file changes, appears, disappears or moves', () => {
    mkdirSync(join(folder, 'native'));
    const prints = [print()];
    writeFileSync(join(folder, 'native/a.cc'), 'int a;');
    prints.push(print());
    writeFileSync(join(folder, 'native/a.cc'), 'int b;');
    prints.push(print());
    writeFileSync(join(folder, 'native/b.cc'), 'int b;');
    prints.push(print());
    rmSync(join(folder, 'native/a.cc'));
    prints.push(print());
    writeFileSync(join(folder, 'gone.gyp'), '');
    prints.push(print());
    prints.push(fingerprint(folder, ['native', 'gone.gyp'], ['v26']));
    expect(new Set(prints).size).toBe(prints.length);
  });
});

describe('the set-up lock', () => {
  it('lets one at a time work and tells who waits', async () => {
    const lock = join(folder, 'setup/lock');
    let working = 0;
    const holders: number[] = [];
    const work = () =>
      withSetupLock(
        lock,
        async () => {
          working += 1;
          expect(working).toBe(1);
          await new Promise((resolve) => setTimeout(resolve, 50));
          working -= 1;
        },
        (holder) => holders.push(holder),
      );
    await Promise.all([work(), work(), work()]);
    expect(holders).toEqual([process.pid, process.pid]);
    expect(existsSync(lock)).toBe(false);
  });

  it('takes over from a process that is gone', async () => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(child, 'exit');
    const lock = join(folder, 'lock');
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(child.pid));
    await expect(
      withSetupLock(
        lock,
        () => Promise.resolve('done'),
        () => undefined,
      ),
    ).resolves.toBe('done');
  });

  it('is given back when the work fails', async () => {
    const lock = join(folder, 'lock');
    const failing = withSetupLock(
      lock,
      () => Promise.reject(new Error('no')),
      () => undefined,
    );
    await expect(failing).rejects.toThrow('no');
    expect(existsSync(lock)).toBe(false);
  });
});

describe('a step that fails', () => {
  const run = (script: string) =>
    runLogged({
      what: 'addon',
      command: process.execPath,
      args: ['-e', script],
      cwd: folder,
      logFile: join(folder, 'logs/addon.log'),
      hint: 'Try again.',
    });

  it('shows the end of its log, its exit code and what to do', async () => {
    const failing = run('for (let i = 0; i < 100; i++) console.log(`line ${i}`); process.exit(3)');
    const message = await failing.then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).toContain('Preparing addon failed');
    expect(message).toContain('ended with code 3');
    expect(message).toContain('| line 99');
    expect(message).not.toContain('| line 9\n');
    expect(message).toContain('addon.log');
    expect(message.endsWith('Try again.')).toBe(true);
  });

  it('says so when the program does not exist', async () => {
    const missing = runLogged({
      what: 'addon',
      command: 'vedette-no-such-program',
      args: [],
      cwd: folder,
      logFile: join(folder, 'addon.log'),
    });
    await expect(missing).rejects.toThrow('ENOENT');
  });
});

describe('handing over', () => {
  /** A process that hands over to `script`, as with-setup.mjs does. */
  const start = (script: string): ChildProcess => {
    const outer = `
      import { handOver } from ${JSON.stringify(handOverModule)};
      process.exitCode = await handOver(process.execPath, ['-e', ${JSON.stringify(script)}], '/');
    `;
    return spawn(process.execPath, ['--input-type=module', '-e', outer], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  };
  const exitOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];
  const pidFile = (): string => join(folder, 'pid');
  const waiting = (onSignal: string): string => `
    ${onSignal}
    require('node:fs').writeFileSync(${JSON.stringify(pidFile())}, String(process.pid));
    setTimeout(() => process.exit(99), 20000);
  `;
  const innerPid = async (): Promise<number> => {
    await until(() => existsSync(pidFile()) && readFileSync(pidFile(), 'utf8') !== '');
    return Number(readFileSync(pidFile(), 'utf8'));
  };
  const isAlive = (pid: number): boolean => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };

  it('passes the exit code on', async () => {
    expect(await exitOf(start('process.exit(3)'))).toBe(3);
  });

  it('reports a death by signal as 128 plus its number', async () => {
    expect(await exitOf(start("process.kill(process.pid, 'SIGABRT')"))).toBe(134);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'passes %s on once and waits for the end',
    async (signal) => {
      const child = start(
        waiting(
          `let n = 0; process.on('${signal}', () => { n += 1; setTimeout(() => process.exit(40 + n), 300); });`,
        ),
      );
      await innerPid();
      child.kill(signal);
      child.kill(signal);
      expect(await exitOf(child)).toBe(41);
    },
  );

  it('takes the program along when it is killed itself', async () => {
    const child = start(waiting(''));
    const pid = await innerPid();
    child.kill('SIGKILL');
    await until(() => !isAlive(pid));
    expect(isAlive(pid)).toBe(false);
  });
});
