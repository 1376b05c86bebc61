import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { VedetteError } from '../../component/contract/errors.ts';
import { isLeaseOwnerGone } from '../deployment/lease-owner.ts';
import type {
  JobEnd,
  JobOwner,
  PublicationJob,
  PublicationJobRecords,
  PublicationRequest,
} from '../registry/publication-job-records.ts';
import { runPublication } from './run-publication.ts';

export interface PublicationJobsOptions {
  readonly records: PublicationJobRecords;
  /** This server among those on the same records, as `newLeaseOwner` makes it. */
  readonly owner: string;
  /** The publisher's own command line. */
  readonly program: readonly string[];
  /** How it is told where to publish and where records are. */
  readonly options: readonly string[];
  /** Folder of models, as an absolute path. */
  readonly models: string | undefined;
  readonly say: (text: string) => void;
}

const MAX_WAITING = 100;
/** What ended is told for so many jobs; the records of runs keep all of them. */
const MAX_ENDED = 200;
/** More often it is not begun again: it may be what ends its servers. */
const MAX_ATTEMPTS = 3;
const LEASE_MS = 60_000;
const LOOK_MS = LEASE_MS / 6;

/**
 * Publications one after the other, each in a process of its own. They stand in the records: what a
 * server that ended had waiting or running is carried on by the next one with the same settings, and
 * the same publication twice ends as one.
 */
export class PublicationJobs {
  readonly #options: PublicationJobsOptions;
  readonly #settings: string;
  readonly #signal: AbortSignal;
  /** Ends the pause between two looks. */
  #wake = new AbortController();

  constructor(options: PublicationJobsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#settings = JSON.stringify([options.options, options.models ?? null]);
    this.#signal = signal;
  }

  /** @throws VedetteError OVERLOADED, SHUTTING_DOWN, PUBLISHER_RECORDS_UNAVAILABLE */
  async add(request: PublicationRequest): Promise<PublicationJob> {
    const { records, owner, options } = this.#options;
    if (this.#signal.aborted) throw new VedetteError('SHUTTING_DOWN', 'The server is stopping');
    if ((await records.countWaiting(owner)) >= MAX_WAITING) {
      throw new VedetteError('OVERLOADED', `${MAX_WAITING} publications wait already`);
    }
    const id = uuidv7();
    const command = [...request.command, ...options];
    const job = { ...request, command, id, settings: this.#settings };
    await records.add(job, owner, leaseUntil());
    this.#wake.abort();
    return this.get(id);
  }

  /** Of all servers on these records, newest first. */
  list(): Promise<PublicationJob[]> {
    return this.#options.records.newest(MAX_ENDED + MAX_WAITING);
  }

  /** @throws VedetteError NOT_FOUND */
  async get(id: string): Promise<PublicationJob> {
    const job = await this.#options.records.get(id);
    if (job) return job;
    throw new VedetteError('NOT_FOUND', `there is no publication '${id}' in these records`);
  }

  /** Resolves when the signal was aborted and nothing is published any more; what is left waits for the next server. */
  async run(): Promise<void> {
    const { records, owner, say } = this.#options;
    const keeper = setInterval(() => {
      // A right that cannot be kept ends by itself.
      records.keep(owner, leaseUntil()).catch(() => undefined);
    }, LEASE_MS / 3);
    let isTold = false;
    try {
      while (!this.#signal.aborted) {
        this.#wake = new AbortController();
        try {
          // Nothing runs here now: what is said to is what could not be written down.
          await records.requeue(owner);
          await this.#takeOver();
          while (!this.#signal.aborted && (await this.#publishNext()));
          isTold = false;
        } catch (thrown) {
          const { code, message } = VedetteError.from(thrown);
          if (!isTold) say(`publications wait: ${code}: ${message}`);
          isTold = true;
        }
        const signal = AbortSignal.any([this.#wake.signal, this.#signal]);
        await pause(LOOK_MS, undefined, { signal }).catch(() => {});
      }
    } finally {
      clearInterval(keeper);
      await records.release(owner).catch((thrown: unknown) => {
        say(`what is not published waits for a minute: ${VedetteError.from(thrown).message}`);
      });
    }
  }

  /** What others left that are gone. */
  async #takeOver(): Promise<void> {
    const { records, owner, say } = this.#options;
    for (const job of await records.ofOthers(this.#settings, owner)) {
      if (!(await isGone(job)) || !(await records.take(job, owner, leaseUntil()))) continue;
      if (job.attempts < MAX_ATTEMPTS) {
        say(`publication ${job.id} is carried on: the server that was asked for it has ended`);
        continue;
      }
      const error = `WORKER_LOST: ${job.attempts} servers ended while they published it; publish it by the command line to see why`;
      await records.end(job.id, owner, { state: 'failed', error });
      say(`publication ${job.id} failed: ${error}`);
    }
  }

  /** @returns whether there was one */
  async #publishNext(): Promise<boolean> {
    const { records, owner, program, say } = this.#options;
    const begun = await records.begin(owner);
    if (!begun) return false;
    const { id, source } = begun.job;
    say(`publication ${id} of ${source} begins`);
    const end = await runPublication(begun.request, program, this.#signal);
    // It was stopped with this server: the next one carries it on.
    if (this.#signal.aborted && end.code !== 0) return false;
    const outcome = endOf(end);
    await records.end(id, owner, outcome);
    say(
      `publication ${id} ${outcome.state === 'done' ? 'is done' : `failed: ${outcome.error.split('\n')[0]}`}`,
    );
    await records.forgetEnded(MAX_ENDED);
    return true;
  }
}

const leaseUntil = (): number => Date.now() + LEASE_MS;

const isGone = async ({ owner, leaseUntilMs }: JobOwner): Promise<boolean> =>
  leaseUntilMs < Date.now() || (await isLeaseOwnerGone(owner));

function endOf({ code, stdout, stderr }: Awaited<ReturnType<typeof runPublication>>): JobEnd {
  return code === 0
    ? { state: 'done', outcome: parsed(stdout) }
    : { state: 'failed', error: stderr.trim() || `ended with ${code}` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // More than one outcome, such as one for each target.
    return text;
  }
}
