/**
 * A set of states of one component: bit 0 is «not installed», bit i + 1 the version at place i of its
 * versions in ascending order. With «not installed» as a state of its own, «X in ^1.0.0» and «not X in
 * ^1.0.0» are complements, and every rule of the solver is one operation on sets.
 */
export class VersionSet {
  readonly #words: Uint32Array;
  readonly #stateCount: number;

  private constructor(words: Uint32Array, stateCount: number) {
    this.#words = words;
    this.#stateCount = stateCount;
  }

  static none(versionCount: number): VersionSet {
    const stateCount = versionCount + 1;
    return new VersionSet(new Uint32Array(Math.ceil(stateCount / 32)), stateCount);
  }

  static all(versionCount: number): VersionSet {
    return VersionSet.none(versionCount).complement();
  }

  /** Versions at these places; never «not installed». */
  static of(versionCount: number, places: Iterable<number>): VersionSet {
    const set = VersionSet.none(versionCount);
    for (const place of places) set.#words[(place + 1) >>> 5]! |= 1 << ((place + 1) & 31);
    return set;
  }

  /** Whether the component need not be installed. */
  get hasAbsence(): boolean {
    return (this.#words[0]! & 1) !== 0;
  }

  get isEmpty(): boolean {
    for (const word of this.#words) if (word !== 0) return false;
    return true;
  }

  get isAll(): boolean {
    return this.complement().isEmpty;
  }

  hasVersion(place: number): boolean {
    return (this.#words[(place + 1) >>> 5]! & (1 << ((place + 1) & 31))) !== 0;
  }

  /** Places of the versions in it, ascending. */
  places(): number[] {
    const found: number[] = [];
    for (let place = 0; place < this.#stateCount - 1; place += 1) {
      if (this.hasVersion(place)) found.push(place);
    }
    return found;
  }

  /** Number of versions in it. */
  get size(): number {
    let count = this.hasAbsence ? -1 : 0;
    for (let word of this.#words) {
      for (; word !== 0; word &= word - 1) count += 1;
    }
    return count;
  }

  complement(): VersionSet {
    const words = this.#words.map((word) => ~word);
    const used = this.#stateCount & 31;
    if (used !== 0) words[words.length - 1]! &= 2 ** used - 1;
    return new VersionSet(words, this.#stateCount);
  }

  intersect(other: VersionSet): VersionSet {
    const words = this.#words.slice();
    for (let at = 0; at < words.length; at += 1) words[at]! &= other.#words[at]!;
    return new VersionSet(words, this.#stateCount);
  }

  minus(other: VersionSet): VersionSet {
    const words = this.#words.slice();
    for (let at = 0; at < words.length; at += 1) words[at]! &= ~other.#words[at]!;
    return new VersionSet(words, this.#stateCount);
  }

  isSubsetOf(other: VersionSet): boolean {
    for (let at = 0; at < this.#words.length; at += 1) {
      if ((this.#words[at]! & ~other.#words[at]!) !== 0) return false;
    }
    return true;
  }

  isDisjointWith(other: VersionSet): boolean {
    for (let at = 0; at < this.#words.length; at += 1) {
      if ((this.#words[at]! & other.#words[at]!) !== 0) return false;
    }
    return true;
  }
}
