/** Whether a topic matches a filter with MQTT's `+` and `#`; neither matches a first level that begins with `$`. */
export function isMatch(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  const isTail = wanted.at(-1) === '#';
  if (isTail ? levels.length < wanted.length - 1 : levels.length !== wanted.length) return false;
  // `a/#` matches `a` too.
  return wanted.every((one, index) => isSameLevel(one, levels[index] ?? '', index));
}

/** Whether there is a topic that matches both filters. */
export function isOverlap(one: string, other: string): boolean {
  const [left, right] = [one.split('/'), other.split('/')];
  for (let index = 0; ; index += 1) {
    const [a, b] = [left[index], right[index]];
    if (a === undefined && b === undefined) return true;
    const hasTail = a === '#' || b === '#';
    if (!hasTail && (a === undefined || b === undefined)) return false;
    if (!isSameLevel(a ?? '', b ?? '', index)) return false;
    if (hasTail) return true;
  }
}

function isSameLevel(one: string, other: string, index: number): boolean {
  if (one === other) return true;
  if (!isWild(one) && !isWild(other)) return false;
  return index > 0 || one.startsWith('$') === other.startsWith('$');
}

const isWild = (level: string): boolean => level === '+' || level === '#';
