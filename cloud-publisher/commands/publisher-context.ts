/** What the publisher's commands get from cli.ts. */
export interface PublisherContext {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Where records and packed archives are kept unless `--state` says otherwise. */
  readonly stateFolder: string;
  /** Aborted by Ctrl-C, from the call on. */
  readonly interruption: () => AbortSignal;
}
