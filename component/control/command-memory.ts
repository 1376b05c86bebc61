import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { makeFolder, writeSynced } from '../configuration/write-synced.ts';
import { commandAnswerSchema, type CommandAnswer } from '../contract/device-command.ts';

/** Ids of commands are told apart for so many; older ones are forgotten. */
const MAX_REMEMBERED = 200;
const FILE = 'commands.json';

/** Answers by id, over restarts: who asks twice gets the same, and nothing is done twice. */
export class CommandMemory {
  readonly #folder: string;
  readonly #answers = new Map<string, CommandAnswer>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(dataFolder: string): Promise<CommandMemory> {
    const memory = new CommandMemory(dataFolder);
    for (const answer of await readAnswers(path.join(dataFolder, FILE))) {
      if (answer.id !== null) memory.#answers.set(answer.id, answer);
    }
    return memory;
  }

  get(id: string): CommandAnswer | undefined {
    return this.#answers.get(id);
  }

  /** Resolves when it is on the disk. */
  async keep(answer: CommandAnswer & { readonly id: string }): Promise<void> {
    this.#answers.set(answer.id, answer);
    for (const id of this.#answers.keys()) {
      if (this.#answers.size <= MAX_REMEMBERED) break;
      this.#answers.delete(id);
    }
    const text = JSON.stringify([...this.#answers.values()]);
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write(text));
    await this.#writing;
  }

  async #write(text: string): Promise<void> {
    await makeFolder(this.#folder);
    await writeSynced(path.join(this.#folder, FILE), text, 0o600);
  }
}

/** What a crash cut short says as little as none: then a command that is sent again is done again. */
async function readAnswers(file: string): Promise<CommandAnswer[]> {
  try {
    return z.array(commandAnswerSchema).parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const isNone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isNone || error instanceof SyntaxError || error instanceof z.ZodError) return [];
    throw error;
  }
}
