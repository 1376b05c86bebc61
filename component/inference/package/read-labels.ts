import { readFile, stat } from 'node:fs/promises';

const MAX_LABEL_FILE_BYTES = 16 * 1024 * 1024;
const MAX_LABELS = 100_000;
const MAX_LABEL_LENGTH = 200;

/**
 * A labels file: one label a line, by class index; UTF-8, line ends of any kind, a last empty line
 * does not count. Problems are pushed with their line, and what could be read is returned.
 * @param areCharacters whether a space is a label too, and not taken off
 */
export async function readLabels(
  path: string,
  name: string,
  problems: string[],
  { areCharacters = false } = {},
): Promise<string[]> {
  const { size } = await stat(path);
  if (size > MAX_LABEL_FILE_BYTES) {
    problems.push(`${name} has ${size} bytes, at most ${MAX_LABEL_FILE_BYTES} are read`);
    return [];
  }
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  const lines = text.split(/\r\n|\n|\r/);
  const labels = areCharacters ? lines : lines.map((line) => line.trim());
  while (labels.at(-1) === '') labels.pop();
  if (labels.length === 0) problems.push(`${name} holds no label`);
  if (labels.length > MAX_LABELS) {
    problems.push(`${name} holds ${labels.length} labels, at most ${MAX_LABELS} are allowed`);
  }
  const empty = labels.indexOf('');
  if (empty >= 0) problems.push(`${name} line ${empty + 1} is empty; every class needs a label`);
  const long = labels.findIndex((label) => label.length > MAX_LABEL_LENGTH);
  if (long >= 0) {
    problems.push(`${name} line ${long + 1} has more than ${MAX_LABEL_LENGTH} characters`);
  }
  return labels;
}
