import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * What stands in for libgpiod's programs, which need a chip: they take the arguments of their version and
 * no others, hold their line against a second holder, and end when the chip goes away. What they set and
 * tell are files in place of voltages.
 */
export class GpioStandIn {
  readonly #folder: string;
  readonly #path = process.env['PATH'];

  /** From now on they are found before those of the system. */
  static async start(version: 1 | 2): Promise<GpioStandIn> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-gpio-'));
    const standIn = new GpioStandIn(folder);
    const program = async (name: string, text: string) => {
      await writeFile(path.join(folder, name), text);
      await chmod(path.join(folder, name), 0o755);
    };
    await program('gpioset', gpioset(folder, version));
    await program('gpiomon', gpiomon(folder, version));
    for (const file of ['edges', 'levels']) await writeFile(path.join(folder, file), '');
    await standIn.plug();
    process.env['PATH'] = `${folder}:${process.env['PATH']}`;
    return standIn;
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  async plug(): Promise<void> {
    await writeFile(path.join(this.#folder, 'chip'), '');
  }

  /** The chip goes away, as one on USB may: programs that hold a line end. */
  async unplug(): Promise<void> {
    await rm(path.join(this.#folder, 'chip'), { force: true });
    for (const name of ['gpiomon', 'gpioset']) {
      const pid = await readFile(path.join(this.#folder, `${name}.pid`), 'utf8').catch(() => '');
      try {
        if (pid !== '') process.kill(Number(pid));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }

  /** Of each program that runs. */
  async holders(): Promise<string[]> {
    const running: string[] = [];
    for (const name of ['gpiomon', 'gpioset']) {
      const pid = await readFile(path.join(this.#folder, `${name}.pid`), 'utf8').catch(() => '');
      if (pid !== '' && existsSync(`/proc/${pid.trim()}`)) running.push(name);
    }
    return running;
  }

  /** An edge to this level comes. */
  async edge(level: 0 | 1, version: 1 | 2): Promise<void> {
    const word = level === 1 ? 1 : version === 2 ? 2 : 0;
    await appendFile(path.join(this.#folder, 'edges'), `${word}\n`);
  }

  /** What the line was set to, in order. */
  async levels(): Promise<number[]> {
    const text = await readFile(path.join(this.#folder, 'levels'), 'utf8');
    return text.split('\n').filter(Boolean).map(Number);
  }

  async close(): Promise<void> {
    await this.unplug();
    process.env['PATH'] = this.#path;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const begin = (folder: string, name: string, version: 1 | 2) => `#!/bin/sh
case "$1" in --version) echo "${name} (libgpiod) v${version === 1 ? '1.6.3' : '2.2.1'}"; exit 0;; esac
[ -e ${folder}/chip ] || { echo "${name}: cannot open chip: No such device" >&2; exit 1; }
if [ -e ${folder}/${name}.pid ] && kill -0 "$(cat ${folder}/${name}.pid)" 2>/dev/null; then
  echo "${name}: Device or resource busy" >&2; exit 1
fi
usage() { echo "${name}: invalid arguments: $1" >&2; exit 1; }
`;

const gpioset = (folder: string, version: 1 | 2) => `${begin(folder, 'gpioset', version)}
[ "$*" = "${version === 1 ? '--mode=signal gpiochip0 17=' : '--chip gpiochip0 17='}\${*##*=}" ] || usage "$*"
echo $$ > ${folder}/gpioset.pid
echo "\${*##*=}" >> ${folder}/levels
exec sleep 600
`;

const gpiomon = (folder: string, version: 1 | 2) => `${begin(folder, 'gpiomon', version)}
[ "$*" = "${
  version === 1
    ? '--line-buffered --format=%e gpiochip0 17'
    : '--chip gpiochip0 --edges both --format %e 17'
}" ] || usage "$*"
echo $$ > ${folder}/gpiomon.pid
exec tail -n 0 -f ${folder}/edges
`;
