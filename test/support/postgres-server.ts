import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.ts';

const execute = promisify(execFile);
/** Debian's packages of PostgreSQL lie beside each other by their version. */
const VERSIONS = '/usr/lib/postgresql';
const USER = 'vedette';
const WAIT_MS = 20_000;

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
async function owner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await execute('id', [flag, 'postgres'])).stdout)),
  );
  return { uid: uid!, gid: gid! };
}

function programs(): string {
  const newest = readdirSync(VERSIONS)
    .filter((version) => existsSync(join(VERSIONS, version, 'bin', 'initdb')))
    .sort((a, b) => Number(a) - Number(b))
    .at(-1);
  if (newest === undefined) throw new Error(`no PostgreSQL in ${VERSIONS}`);
  return join(VERSIONS, newest, 'bin');
}

/** A real PostgreSQL on the loopback interface, with a cluster of its own that goes with it. */
export class PostgresServer {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #port: number;
  #databases = 0;

  private constructor(folder: string, child: ChildProcess, port: number) {
    this.#folder = folder;
    this.#process = child;
    this.#port = port;
  }

  static async start(): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'vedette-postgres-'));
    const user = await owner();
    if (user) await chown(folder, user.uid, user.gid);
    const bin = programs();
    const data = join(folder, 'data');
    const settings = { cwd: folder, env: { LC_ALL: 'C', PATH: process.env['PATH'] }, ...user };
    await execute(join(bin, 'initdb'), ['-D', data, '-U', USER, '-A', 'trust', '-N'], settings);
    const port = await freePort();
    const options = ['-h', '127.0.0.1', '-p', String(port), '-k', folder, '-c', 'fsync=off'];
    const child = spawn(join(bin, 'postgres'), ['-D', data, ...options], {
      ...settings,
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const server = new PostgresServer(folder, child, port);
    try {
      await server.#untilReady();
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** A new database, by its address. */
  async database(): Promise<string> {
    this.#databases += 1;
    const name = `records_${this.#databases}`;
    await this.#ask(`create database ${name}`);
    return this.addressOf(name);
  }

  addressOf(name: string): string {
    return `postgresql://${USER}@127.0.0.1:${this.#port}/${name}`;
  }

  /** Ends every connection of clients, as a restart does. */
  async dropConnections(): Promise<void> {
    await this.#ask(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null',
    );
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('close', resolve));
    if (this.#process.exitCode === null && this.#process.kill('SIGINT')) await ended;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ask(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.addressOf('postgres') });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async #untilReady(): Promise<void> {
    const until = Date.now() + WAIT_MS;
    for (;;) {
      try {
        await this.#ask('select 1');
        return;
      } catch (error) {
        if (Date.now() > until || this.#process.exitCode !== null) throw error;
        await pause(100);
      }
    }
  }
}
