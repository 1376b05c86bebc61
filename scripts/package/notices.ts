import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Something by others that ships. */
export type Part =
  | { readonly kind: 'npm'; readonly folder: string }
  | {
      readonly kind: 'library';
      readonly name: string;
      readonly version: string;
      /** As an SPDX expression. */
      readonly licence: string;
      /** File with the licence's text. */
      readonly text: string;
    };

export interface PartRecord {
  readonly kind: Part['kind'];
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

/** Packages that state their licence in README.md alone. */
const STATED_IN_README: Readonly<Record<string, string>> = { 'precond@0.2.3': 'MIT' };
const LICENCE_FILE = /^(licen[cs]e|notice|copying|third.?party)/i;

/** Name, version and licence of each part, sorted, each once. */
export async function partRecords(
  parts: readonly Part[],
): Promise<(PartRecord & { part: Part })[]> {
  const records = new Map<string, PartRecord & { part: Part }>();
  for (const part of parts) {
    const record = part.kind === 'npm' ? await npmRecord(part.folder) : part;
    const { kind, name, version, licence } = record;
    records.set(`${name}@${version}`, { kind, name, version, licence, part });
  }
  const key = ({ name, version }: PartRecord) => `${name}@${version}`;
  return [...records.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

async function npmRecord(folder: string): Promise<PartRecord> {
  const record = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string | { type: string };
    licenses?: { type: string }[];
  };
  const { name, version, license, licenses } = record;
  const inPackage = typeof license === 'string' ? license : (license?.type ?? licenses?.[0]?.type);
  const stated = inPackage ?? STATED_IN_README[`${name}@${version}`];
  if (stated === undefined) throw new Error(`${folder} states no licence: it cannot ship`);
  return { kind: 'npm', name, version, licence: stated };
}

/** The licences of everything by others that ships, one after the other. */
export async function writeNotices(file: string, parts: readonly Part[]): Promise<void> {
  const sections: string[] = [];
  for (const { name, version, licence, part } of await partRecords(parts)) {
    const texts = part.kind === 'npm' ? await licenceTexts(part.folder) : [await text(part.text)];
    const body =
      texts.length > 0 ? texts : [`The package holds no text of its licence ${licence}.`];
    sections.push([`==== ${name} ${version} (${licence})`, ...body].join('\n\n'));
  }
  await writeFile(file, `${sections.join('\n\n')}\n`);
}

async function licenceTexts(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => LICENCE_FILE.test(name)).sort();
  return Promise.all(names.map((name) => text(path.join(folder, name))));
}

const text = async (file: string): Promise<string> => (await readFile(file, 'utf8')).trim();
