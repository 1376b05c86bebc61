import { z } from 'zod';
import { readServerToken } from '../configuration/read-server-token.ts';
import { ERROR_CODES, VedetteError } from '../contract/errors.ts';
import type { ErrorCode } from '../contract/errors.ts';
import type { CommandContext } from './command-context.ts';
import { loadDeviceConfiguration, type DeviceContext } from './device-configuration.ts';
import { findRunning } from './running-runtime.ts';

export interface RuntimeAddressOptions {
  readonly config?: string;
  readonly url?: string;
}

const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
});

const REQUEST_TIMEOUT_MS = 30_000;

/** The local server of a runtime that is running, as its configuration says where it is. */
export class RuntimeClient {
  readonly #address: string;
  readonly #token: string | undefined;

  private constructor(address: string, token: string | undefined) {
    this.#address = address;
    this.#token = token;
  }

  /** @throws VedetteError CONFIG_…, SECRET_UNAVAILABLE, REQUEST_INVALID when the port is not known */
  static async open(
    { config: file, url }: RuntimeAddressOptions,
    context: Pick<CommandContext, 'readSecret'> & Partial<DeviceContext>,
  ): Promise<RuntimeClient> {
    const { config } = await loadDeviceConfiguration(file, context);
    const { host, port, token: tokenAt } = config.server;
    const token = tokenAt && (await readServerToken(tokenAt, context.readSecret));
    if (url !== undefined) return new RuntimeClient(addressOf(url), token);
    const running = await findRunning(config.dataFolder);
    if (running) return new RuntimeClient(addressOf(running.address), token);
    if (port === 0) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `server.port is 0, and no runtime runs on ${config.dataFolder}: start it, or give the address that it printed with --url`,
      );
    }
    const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    const shown = reached.includes(':') ? `[${reached}]` : reached;
    return new RuntimeClient(`http://${shown}:${port}`, token);
  }

  get<T>(path: string): Promise<T> {
    return this.#ask('GET', path);
  }

  /** What is no JSON, such as `/metrics`. @throws as `get` */
  async text(path: string): Promise<string> {
    const response = await this.#fetch('GET', path);
    if (!response.ok) throw this.#strange(path, response);
    return response.text();
  }

  post<T>(path: string, body?: object): Promise<T> {
    return this.#ask('POST', path, body);
  }

  /** @throws VedetteError of the runtime, or RUNTIME_UNREACHABLE */
  async #ask<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const response = await this.#fetch(method, path, body);
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer as T;
    const problem = problemSchema.safeParse(answer);
    if (problem.success && isErrorCode(problem.data.code)) {
      throw new VedetteError(problem.data.code, problem.data.detail);
    }
    throw this.#strange(path, response);
  }

  #strange(path: string, { status }: Response): VedetteError {
    return new VedetteError(
      'RUNTIME_UNREACHABLE',
      `${this.#address}${path} answered ${status}, and not as a Vedette runtime does`,
    );
  }

  async #fetch(method: 'GET' | 'POST', path: string, body?: object): Promise<Response> {
    try {
      return await fetch(this.#address + path, {
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        headers: {
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    } catch (cause) {
      throw new VedetteError(
        'RUNTIME_UNREACHABLE',
        `no runtime answers at ${this.#address}: ${causeText(cause)}`,
        { cause },
      );
    }
  }
}

const isErrorCode = (code: string): code is ErrorCode => code in ERROR_CODES;

function causeText(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}

/** @throws VedetteError REQUEST_INVALID */
function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ['http:', 'https:'].includes(url.protocol)) return url.origin;
  throw new VedetteError(
    'REQUEST_INVALID',
    `'${text}' is no address such as http://127.0.0.1:8080`,
  );
}
