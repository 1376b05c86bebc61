import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PUBLISHER_PROGRAM } from './run-publisher.ts';

/** `vedette serve` as a process of its own. */
export class PublisherServer {
  readonly address: string;
  /** What it said, a message a line. */
  readonly said: readonly string[];
  readonly ended: Promise<number | string | null>;
  readonly #child: ChildProcess;

  static async start(
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    program = PUBLISHER_PROGRAM,
  ): Promise<PublisherServer> {
    const child = spawn(process.execPath, [program, 'serve', '--port', '0', ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const ended = new Promise<number | string | null>((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? code));
    });
    const listening = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { msg, address } = JSON.parse(line) as { msg: string; address?: string };
        said.push(msg);
        if (address !== undefined) resolve(address);
      });
    });
    const address = await Promise.race([
      listening,
      ended.then((end) => Promise.reject(new Error(`the server ended with ${end}: ${errors}`))),
    ]);
    return new PublisherServer(child, address, said, ended);
  }

  private constructor(
    child: ChildProcess,
    address: string,
    said: readonly string[],
    ended: Promise<number | string | null>,
  ) {
    this.#child = child;
    this.address = address;
    this.said = said;
    this.ended = ended;
  }

  async ask<T>(
    path: string,
    init: { method?: string; body?: unknown; token?: string } = {},
  ): Promise<{ readonly status: number; readonly body: T }> {
    const { method = 'GET', body, token } = init;
    const response = await fetch(this.address + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}
