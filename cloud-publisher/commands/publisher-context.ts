/** What the publisher's commands get from cli.ts. */
export interface PublisherContext {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Where records are kept unless `--state` says otherwise: a folder, or `postgresql://…`. */
  readonly stateFolder: string;
  /** Aborted by Ctrl-C, from the call on. */
  readonly interruption: () => AbortSignal;
}
