/** What a section of the benchmark is given, and what it hands to the page. */
export interface BenchContext {
  /** The clone. */
  readonly root: string;
  /** A folder of this run's own, gone when the run ends. */
  readonly folder: string;
  /** Whether peers that come from outside (`--peers`) are measured too. */
  readonly hasPeers: boolean;
  /** Tells the terminal how far the work is. */
  readonly progress: (text: string) => void;
}

export interface Section {
  /** As `--only` names it. */
  readonly name: string;
  readonly title: string;
  run(context: BenchContext): Promise<SectionReport>;
}

export interface SectionReport {
  /** How it was measured. */
  readonly method: string;
  readonly tables: readonly Table[];
  readonly plots?: readonly Plot[];
  readonly targets?: readonly Target[];
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What the table says, in a plain sentence, written from its figures. */
  readonly says: string;
}

export interface Plot {
  /** File name below docs/benchmarks. */
  readonly file: string;
  readonly alt: string;
  readonly svg: string;
}

/** A figure that the project set out to reach. */
export type Target = MeasuredTarget | UnmeasuredTarget;

export interface MeasuredTarget {
  readonly what: string;
  readonly reach: string;
  readonly got: string;
  /** Least and greatest of the rounds, where it was measured in rounds. */
  readonly byRound?: string;
  readonly isReached: boolean;
  /** How far off the figure is: says something only when it is not reached. */
  readonly missedBy: string;
  /** Why it is missed and what was tried, for the case that it is. */
  readonly reason?: string;
}

export interface UnmeasuredTarget {
  readonly what: string;
  readonly reach: string;
  /** Why this run says nothing of it. */
  readonly notMeasured: string;
}
