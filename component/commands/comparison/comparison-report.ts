import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Findings } from '../../contract/result.ts';
import type { FindingsComparison } from '../../inference/evaluation/compare-findings.ts';
import type { PictureSource } from '../../inference/run-on-pictures.ts';
import { judge } from '../../pipeline/judge.ts';
import { drawJudged, DrawingFolder } from '../draw-judged.ts';
import { escapeXml } from '../../pipeline/escape-xml.ts';
import { htmlFigure, htmlPage, htmlTable } from '../report/html-page.ts';
import type { BothAnswers, JudgeBoth } from './judge-both.ts';
import { comparisonFigures, comparisonWords, differing, titleOf } from './comparison.ts';
import type { ModelComparison } from './comparison.ts';

const PICTURES = 'pictures';
const SIDE_WIDTH = 760;
const GAP = 12;
const HEAD = 30;

/** `index.html`, `comparison.json` and the differing pictures, drawn side by side, the most different first. */
export class ComparisonReport {
  readonly #folder: string;
  readonly #drawings: DrawingFolder;

  /** @throws VedetteError REQUEST_INVALID when the folder lies among the pictures or cannot be made */
  static async open(folder: string, sources: readonly string[]): Promise<ComparisonReport> {
    return new ComparisonReport(folder, await DrawingFolder.open(join(folder, PICTURES), sources));
  }

  private constructor(folder: string, drawings: DrawingFolder) {
    this.#folder = folder;
    this.#drawings = drawings;
  }

  /** @param again judges a picture with both models, with all that can be drawn */
  async write(
    comparison: ModelComparison,
    again: JudgeBoth,
    maxImagePixels: number,
  ): Promise<void> {
    const all = differing(comparison);
    const figures: string[] = [];
    for (const { name, source, comparison: one } of all) {
      if (!source) continue;
      const answers = await again(source);
      const jpeg = await sideBySide(source, one, answers, comparison, maxImagePixels);
      const file = await this.#drawings.write(source.relativePath, jpeg);
      const caption = `${name}: ${one.words}`;
      figures.push(htmlFigure(`${PICTURES}/${file}`, caption));
    }
    await writeFile(join(this.#folder, 'comparison.json'), comparisonJson(comparison));
    await writeFile(join(this.#folder, 'index.html'), page(comparison, figures, all.length));
  }
}

/** Everything for programs. */
export function comparisonJson(comparison: ModelComparison): string {
  const { first, second, compared, failures } = comparison;
  const pictures = compared.map(({ name, comparison: one, times }) => ({
    picture: name,
    ...one,
    times,
  }));
  const all = { schemaVersion: 1, first, second, ...comparisonFigures(comparison), failures };
  return `${JSON.stringify({ ...all, differences: pictures }, undefined, 2)}\n`;
}

async function sideBySide(
  picture: PictureSource,
  comparison: FindingsComparison,
  answers: BothAnswers,
  { first, second }: ModelComparison,
  maxImagePixels: number,
): Promise<Uint8Array> {
  const draw = (side: 0 | 1, only: readonly number[]) => {
    const answer = answers[side];
    const findings = marked(answer.findings, only);
    const verdict = answer.findings.anomaly ? judge([], answer.findings) : undefined;
    const options = { maxImagePixels, maxWidth: SIDE_WIDTH };
    return drawJudged(picture, { ...answer, findings }, verdict, options);
  };
  const left = await draw(0, comparison.onlyFirst);
  const right = await draw(1, comparison.onlySecond);
  const { width, height } = await sharp(left).metadata();
  const heads = [`A  ${titleOf(first)}`, `B  ${titleOf(second)}`];
  const head =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * width + GAP}" height="${HEAD}" font-family="DejaVu Sans Mono" font-size="15" fill="#1b1f24">` +
    heads
      .map((text, side) => `<text x="${side * (width + GAP)}" y="20">${escapeXml(text)}</text>`)
      .join('') +
    `</svg>`;
  return sharp({
    create: { width: 2 * width + GAP, height: height + HEAD, channels: 3, background: '#ffffff' },
  })
    .composite([
      { input: Buffer.from(head), left: 0, top: 0 },
      { input: Buffer.from(left), left: 0, top: HEAD },
      { input: Buffer.from(right), left: width + GAP, top: HEAD },
    ])
    .jpeg({ quality: 88 })
    .toBuffer();
}

/** What the other model does not have is marked in its label. */
function marked(findings: Findings, only: readonly number[]): Findings {
  if (!findings.detections) return findings;
  const detections = findings.detections.map((one, index) =>
    only.includes(index) ? { ...one, label: `≠ ${one.label}` } : one,
  );
  return { ...findings, detections };
}

function page(
  comparison: ModelComparison,
  figures: readonly string[],
  differingCount: number,
): string {
  const { first, second, failures } = comparison;
  const [a, b] = comparisonFigures(comparison).times;
  const paragraph = (text: string) => `<p>${escapeXml(text)}</p>`;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const body = [
    `<h1>A: ${escapeXml(titleOf(first))}<br>B: ${escapeXml(titleOf(second))}</h1>`,
    `<p class="quiet">A sha256 ${first.sha256}<br>B sha256 ${second.sha256}</p>`,
    `<div class="words">${comparisonWords(comparison).map(paragraph).join('')}</div>`,
    htmlTable(
      ['medians', 'prepare', 'run', 'decode'],
      [
        { cells: ['A', ms(a.preprocessMs), ms(a.runMs), ms(a.decodeMs)] },
        { cells: ['B', ms(b.preprocessMs), ms(b.runMs), ms(b.decodeMs)] },
      ],
    ),
    `<h2>Pictures that differ: ${differingCount === 0 ? 'none' : differingCount}</h2>`,
    differingCount > figures.length
      ? paragraph(`The ${figures.length} most different are shown.`)
      : '',
    figures.length === 0 ? '' : `<p class="quiet">≠ marks what the other model does not have.</p>`,
    `<div class="gallery wide">${figures.join('')}</div>`,
    failures.length === 0 ? '' : `<h2>Not compared: ${failures.length}</h2>`,
    ...failures.map(({ name, error }) => paragraph(`${name}: ${error.code}: ${error.message}`)),
  ];
  return htmlPage(`${titleOf(first)} and ${titleOf(second)}`, body.join('\n'));
}

/** One line for each picture that differs, for a terminal. */
export function differingLines(comparison: ModelComparison, most: number): string {
  const all = differing(comparison);
  const shown = all
    .slice(0, most)
    .map(({ name, comparison: { words } }) => `  ${name}: ${words}\n`);
  return shown.join('') + (all.length > most ? `  and ${all.length - most} more\n` : '');
}
