import type { z } from 'zod';
import {
  COMMANDS,
  MAX_COMMAND_BYTES,
  type CommandAnswer,
  type CommandName,
  type CommandRequest,
} from '../contract/device-command.ts';
import { pause } from '../camera/pause.ts';
import { VedetteError } from '../contract/errors.ts';
import type { IncomingMessage, MessageChannel, Subscription } from '../contract/message-channel.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { CommandMemory } from './command-memory.ts';

/** Commands that run at once; more are refused. */
const MAX_RUNNING = 8;
/** Refusals, and answers of before, that are on their way at once; more are not told. */
const MAX_ANSWERS = 8;
/** An answer that cannot be sent is tried again, since the nucleus may be busy for a moment. */
const ANSWER_PAUSES_MS = [0, 1000, 5000, 15_000, 60_000];

/** What each command does; resolves with the `result` of its answer. */
export type CommandActions = {
  readonly [K in CommandName]: (
    request: CommandRequest<K>,
    signal: AbortSignal,
  ) => Promise<Readonly<Record<string, unknown>>>;
};

export interface CommandServiceOptions {
  readonly thing: string;
  readonly channel: MessageChannel;
  readonly logger: Logger;
  readonly memory: CommandMemory;
  readonly actions: CommandActions;
  readonly isEnabled: () => boolean;
}

type AnyRequest = z.output<(typeof COMMANDS)[CommandName]>;

/** Takes commands on `vedette/{thing}/command/{name}` and answers each on `…/{name}/ack`. */
export class CommandService {
  readonly #options: CommandServiceOptions;
  readonly #closing = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  readonly #answers = new Set<Promise<void>>();
  #untold = 0;
  #subscription: Subscription | undefined;

  constructor(options: CommandServiceOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { channel, thing, logger } = this.#options;
    this.#subscription = await channel.subscribe(
      `vedette/${thing}/command/+`,
      (message) => this.#receive(message),
      (error) => logger.warn({ error }, 'no commands are taken'),
    );
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
    this.#closing.abort(new VedetteError('SHUTTING_DOWN', 'the device stops'));
    await Promise.allSettled([...this.#running.values(), ...this.#answers]);
  }

  #receive({ topic, payload }: IncomingMessage): void {
    const command = topic.split('/').at(-1) ?? '';
    let request: AnyRequest;
    try {
      request = readRequest(command, payload);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      this.#answerApart(() => this.#refuse(command, idIn(payload), error));
      return;
    }
    const { id } = request;
    // The same command twice at once: the second is answered with the first.
    if (this.#running.has(id)) return;
    const known = this.#options.memory.get(id);
    if (known) {
      this.#answerApart(() => this.#say(known));
      return;
    }
    const problem = this.#problemOf(request);
    if (problem) {
      this.#answerApart(() => this.#refuse(command, id, problem));
      return;
    }
    const run = this.#run(command as CommandName, request).finally(() => this.#running.delete(id));
    this.#running.set(id, run);
  }

  /** Whoever floods the device costs it no more than its limits: answers that cannot be sent pile up. */
  #answerApart(answer: () => Promise<void>): void {
    if (this.#answers.size >= MAX_ANSWERS) {
      this.#untold += 1;
      return;
    }
    if (this.#untold > 0) {
      const text = `${this.#untold} commands came while answers waited; they were not done and are not answered`;
      this.#options.logger.warn(text);
      this.#untold = 0;
    }
    const answered = answer().finally(() => this.#answers.delete(answered));
    this.#answers.add(answered);
  }

  #problemOf({ expiresAt }: AnyRequest): VedetteError | undefined {
    if (!this.#options.isEnabled()) {
      return new VedetteError(
        'COMMAND_REFUSED',
        'remote.areCommandsEnabled is false on this device',
      );
    }
    if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) {
      const text = `the command was to be done until ${expiresAt}, here it is ${new Date().toISOString()}`;
      return new VedetteError('COMMAND_EXPIRED', text);
    }
    if (this.#running.size < MAX_RUNNING) return undefined;
    return new VedetteError('OVERLOADED', `${MAX_RUNNING} commands run already`);
  }

  async #run(command: CommandName, request: AnyRequest): Promise<void> {
    const { actions, logger, memory } = this.#options;
    const { id, timeoutSeconds } = request;
    logger.info({ command, id }, `command ${command} is begun`);
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    const signal = AbortSignal.any([timeout, this.#closing.signal]);
    const act = actions[command] as (
      request: AnyRequest,
      signal: AbortSignal,
    ) => Promise<Readonly<Record<string, unknown>>>;
    let answer: CommandAnswer & { id: string };
    try {
      const result = await untilAborted(act(request, signal), signal);
      answer = { ...this.#head(command), id, state: 'done', result };
    } catch (thrown) {
      const error = timeout.aborted
        ? new VedetteError('COMMAND_TIMEOUT', `${command} was not done within ${timeoutSeconds} s`)
        : VedetteError.from(thrown);
      logger.warn({ command, id, error: error.serialize() }, `command ${command} failed`);
      answer = { ...this.#head(command), id, state: 'failed', error: shortError(error) };
    }
    await memory.keep(answer).catch((error: unknown) => {
      logger.warn({ error: VedetteError.from(error) }, 'an answer to a command could not be kept');
    });
    await this.#say(answer);
  }

  async #refuse(command: string, id: string | null, error: VedetteError): Promise<void> {
    this.#options.logger.warn({ command, id, error: error.serialize() }, 'a command is refused');
    await this.#say({ ...this.#head(command), id, state: 'refused', error: shortError(error) });
  }

  #head(command: string): Pick<CommandAnswer, 'schemaVersion' | 'thing' | 'command' | 'at'> {
    return { schemaVersion: 1, thing: this.#options.thing, command, at: new Date().toISOString() };
  }

  async #say(answer: CommandAnswer): Promise<void> {
    const { channel, thing, logger } = this.#options;
    const topic = `vedette/${thing}/command/${answer.command}/ack`;
    const payload = Buffer.from(JSON.stringify(answer));
    for (const pauseMs of ANSWER_PAUSES_MS) {
      if (pauseMs > 0) await pause(pauseMs, this.#closing.signal);
      try {
        await channel.publish(topic, payload, 1);
        return;
      } catch (thrown) {
        const error = VedetteError.from(thrown);
        logger.warn({ error: error.serialize() }, 'an answer to a command could not be sent');
        if (this.#closing.signal.aborted || error.code === 'MESSAGE_REFUSED') return;
      }
    }
  }
}

/** @throws VedetteError REQUEST_INVALID, BODY_TOO_LARGE */
function readRequest(command: string, payload: Uint8Array): AnyRequest {
  if (payload.byteLength > MAX_COMMAND_BYTES) {
    throw new VedetteError(
      'BODY_TOO_LARGE',
      `the command has ${payload.byteLength} bytes, at most ${MAX_COMMAND_BYTES} are read`,
    );
  }
  if (!Object.hasOwn(COMMANDS, command)) {
    const known = Object.keys(COMMANDS).join(', ');
    throw new VedetteError(
      'REQUEST_INVALID',
      `no command is called '${command}'; there are ${known}`,
    );
  }
  const parsed = COMMANDS[command as CommandName].safeParse(jsonOf(payload));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new VedetteError(
    'REQUEST_INVALID',
    `the command is not as expected: ${problems.join('; ')}`,
  );
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString());
  } catch (cause) {
    throw new VedetteError('REQUEST_INVALID', 'the command is not JSON', { cause });
  }
}

/** The id of a request that is otherwise wrong, so that who asked knows which one it was. */
function idIn(payload: Uint8Array): string | null {
  if (payload.byteLength > MAX_COMMAND_BYTES) return null;
  try {
    const { id } = jsonOf(payload) as { id?: unknown };
    return typeof id === 'string' ? id.slice(0, 64) : null;
  } catch {
    return null;
  }
}

/** What the work does not notice by itself. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(VedetteError.from(signal.reason));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const MAX_TEXT = 500;
const shortError = ({ code, message, retryable }: VedetteError) => ({
  code,
  message: message.slice(0, MAX_TEXT),
  isRetryable: retryable,
});
