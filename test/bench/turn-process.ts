import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Contender } from './measure-interleaved.ts';
import { endWithThisRun } from './server-process.ts';

/** What a program of this kind can do: native/bench/compare.h says how it is asked. */
export interface TurnList {
  readonly contenders: readonly { readonly work: string; readonly name: string }[];
}

/**
 * A program whose contenders take turns with those of other processes: each line on its stdin is
 * answered by one line of JSON on stdout, and between them it sleeps. It times its own calls.
 */
export class TurnProcess<List extends TurnList = TurnList> {
  readonly list: List;
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  static async start<L extends TurnList>(
    name: string,
    command: string,
    args: readonly string[],
  ): Promise<TurnProcess<L>> {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    endWithThisRun(child, () => child.kill('SIGKILL'));
    // What cannot be started or has ended shows as the end of its lines.
    child.once('error', () => undefined);
    child.stdin.once('error', () => undefined);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const list = await ask<L>(name, child.stdin, lines, 'list');
    return new TurnProcess(name, child, lines, list);
  }

  private constructor(
    name: string,
    child: ChildProcessByStdio<Writable, Readable, null>,
    lines: AsyncIterator<string>,
    list: List,
  ) {
    this.#name = name;
    this.#child = child;
    this.#lines = lines;
    this.list = list;
  }

  names(work: string): string[] {
    return this.list.contenders.filter((one) => one.work === work).map(({ name }) => name);
  }

  contender(work: string, name: string, shownAs = name): Contender {
    const index = this.#indexOf(work, name);
    return { name: shownAs, turn: (turnMs) => this.#ask<number[]>(`turn ${index} ${turnMs}`) };
  }

  /** The same with caches that hold nothing of it before each call; native/bench alone can. */
  coldContender(work: string, name: string): Contender {
    const index = this.#indexOf(work, name);
    return { name, turn: (turnMs) => this.#ask<number[]>(`cold ${index} ${turnMs}`) };
  }

  /** What one run of it makes, by way of a file. */
  async tensor(work: string, name: string, file: string): Promise<Float32Array> {
    await this.#ask(`tensor ${this.#indexOf(work, name)} ${file}`);
    const bytes = readFileSync(file);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4).slice();
  }

  /** Copies of memory from one buffer to another; native/bench alone has them. */
  copy(bytes: number, shownAs: string): Contender {
    return { name: shownAs, turn: (turnMs) => this.#ask<number[]>(`copy ${bytes} ${turnMs}`) };
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exit;
  }

  #ask<T>(line: string): Promise<T> {
    return ask<T>(this.#name, this.#child.stdin, this.#lines, line);
  }

  #indexOf(work: string, name: string): number {
    const index = this.list.contenders.findIndex((one) => one.work === work && one.name === name);
    if (index < 0) throw new Error(`${this.#name} has nothing called «${name}» for «${work}»`);
    return index;
  }
}

async function ask<T>(
  name: string,
  stdin: Writable,
  lines: AsyncIterator<string>,
  line: string,
): Promise<T> {
  stdin.write(`${line}\n`);
  const answer = await lines.next();
  if (answer.done === true) throw new Error(`${name} ended when it was told «${line}»`);
  return JSON.parse(answer.value) as T;
}
