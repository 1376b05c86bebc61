import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { runOnPictures } from '../../inference/run-on-pictures.ts';
import type { Verdict } from '../../contract/result.ts';
import { drawJudged, DrawingFolder } from '../draw-judged.ts';
import type { OpenRunner } from '../model-runner.ts';
import { escapeXml } from '../../pipeline/escape-xml.ts';
import { htmlFigure, htmlPage, htmlTable } from '../report/html-page.ts';
import { configurationLines } from './configuration-lines.ts';
import { closeCalls, isMisjudged, misjudged } from './evaluation.ts';
import type { EvaluatedPicture, Evaluation } from './evaluation.ts';
import { inWords, share, thresholdRows } from './evaluation-words.ts';
import { rocCurve } from './roc-curve.ts';
import { scoreHistogram } from './score-histogram.ts';

const MOST_MISJUDGED = 200;
const MOST_CLOSE = 12;
const PICTURES = 'pictures';
const MAX_WIDTH = 960;

/**
 * Writes `index.html`, `evaluation.json`, `histogram.svg`, `histogram.png`, `roc.svg` and drawn
 * pictures into a folder: those misjudged at the current threshold, then those nearest to it.
 * @param sources folders that pictures are read from
 * @throws VedetteError REQUEST_INVALID when the folder lies in one of them or cannot be made
 */
export class EvaluationReport {
  readonly #folder: string;
  readonly #drawings: DrawingFolder;

  static async open(folder: string, sources: readonly string[]): Promise<EvaluationReport> {
    return new EvaluationReport(folder, await DrawingFolder.open(join(folder, PICTURES), sources));
  }

  private constructor(folder: string, drawings: DrawingFolder) {
    this.#folder = folder;
    this.#drawings = drawings;
  }

  async write(evaluation: Evaluation, opened: OpenRunner): Promise<void> {
    const histogram = scoreHistogram(evaluation);
    const { threshold } = evaluation.current;
    const wrong = misjudged(evaluation, threshold);
    const drawn = await this.#draw(
      [
        ...wrong.slice(0, MOST_MISJUDGED),
        ...closeCalls(evaluation, threshold).slice(0, MOST_CLOSE),
      ],
      threshold,
      opened,
    );
    const page = htmlPage(
      `Evaluation of ${evaluation.model.name} ${evaluation.model.version}`,
      body(evaluation, histogram, drawn, wrong.length),
    );
    await mkdir(this.#folder, { recursive: true });
    const png = await sharp(Buffer.from(histogram)).png().toBuffer();
    await writeFile(join(this.#folder, 'histogram.svg'), histogram);
    await writeFile(join(this.#folder, 'histogram.png'), png);
    await writeFile(join(this.#folder, 'roc.svg'), rocCurve(evaluation));
    await writeFile(join(this.#folder, 'evaluation.json'), evaluationJson(evaluation));
    await writeFile(join(this.#folder, 'index.html'), page);
  }

  /** Runs these again, with all that can be drawn: answers of every picture would fill the memory. */
  async #draw(
    pictures: readonly EvaluatedPicture[],
    threshold: number,
    { runner, config }: OpenRunner,
  ): Promise<DrawnPicture[]> {
    const drawn: DrawnPicture[] = [];
    const request = { thresholds: { score: threshold, labels: {} }, wantsAnomalyMap: true };
    let at = 0;
    const sources = pictures.map(({ picture }) => picture);
    for await (const judged of runOnPictures(runner, sources, request)) {
      const one = pictures[at]!;
      at += 1;
      if ('error' in judged) continue;
      const isWrong = isMisjudged(one, threshold);
      const jpeg = await drawJudged(
        one.picture,
        judged.answer,
        verdictOf(one, threshold, isWrong),
        {
          maxImagePixels: config.limits.maxImagePixels,
          maxWidth: MAX_WIDTH,
        },
      );
      const name = await this.#drawings.write(one.picture.relativePath, jpeg);
      drawn.push({ ...one, isWrong, file: `${PICTURES}/${name}` });
    }
    return drawn;
  }
}

interface DrawnPicture extends EvaluatedPicture {
  readonly isWrong: boolean;
  readonly file: string;
}

function verdictOf(
  { picture, score }: EvaluatedPicture,
  threshold: number,
  isWrong: boolean,
): Verdict {
  const isRejected = score >= threshold;
  const kind = !isWrong ? '' : picture.isBad ? 'ESCAPE ' : 'FALSE REJECT ';
  return {
    outcome: isRejected ? 'fail' : 'pass',
    reason: `${kind}${score.toFixed(3)} ${isRejected ? '≥' : '<'} ${threshold}`,
  };
}

/** Everything for programs, without the labels of the pictures' drawings. */
export function evaluationJson(evaluation: Evaluation): string {
  const { evaluated, current, labels: _, ...facts } = evaluation;
  const pictures = evaluated.map((one) => ({
    picture: one.picture.name,
    truth: one.picture.isBad ? 'bad' : 'good',
    category: one.picture.category,
    score: one.score,
    ...(one.top === undefined ? {} : { firstClass: one.top }),
    isMisjudged: isMisjudged(one, current.threshold),
  }));
  const all = {
    schemaVersion: 1,
    ...facts,
    current,
    configuration: configurationLines(evaluation),
  };
  return `${JSON.stringify({ ...all, pictures }, undefined, 2)}\n`;
}

function body(
  evaluation: Evaluation,
  histogram: string,
  drawn: readonly DrawnPicture[],
  wrongCount: number,
): string {
  const { model, good, bad, score, areaUnderRoc, failures, repeated, categories } = evaluation;
  const { current, suggested } = evaluation;
  const wrong = drawn.filter(({ isWrong }) => isWrong);
  const close = drawn.filter(({ isWrong }) => !isWrong);
  const paragraph = (text: string) => `<p>${escapeXml(text)}</p>`;
  return [
    `<h1>${escapeXml(`${model.name} ${model.version}, ${model.variant}`)}</h1>`,
    `<p class="quiet">${good} good and ${bad} bad pictures; sha256 ${model.sha256}</p>`,
    `<div class="words">${inWords(evaluation).map(paragraph).join('')}</div>`,
    `<h2>Scores</h2>`,
    paragraph(
      `Judged by the ${score.meaning}: a picture at or above the threshold is rejected. AUROC ${areaUnderRoc.toFixed(3)} (1 tells every bad picture from every good one, 0.5 is chance).`,
    ),
    histogram,
    `<h2>What a threshold does</h2>`,
    htmlTable(
      ['threshold', '', 'escapes: bad pictures that pass', 'false rejects'],
      thresholdRows(evaluation).map(({ threshold, note, escapes, falseRejects }) => ({
        cells: [threshold, note, escapes, falseRejects],
        isMarked: note.includes('suggested'),
      })),
    ),
    `<p class="quiet">In brackets: the share here, and where the true share lies with 95 % confidence (Wilson's interval).</p>`,
    rocCurve(evaluation),
    `<h2>By folder</h2>`,
    htmlTable(
      ['folder', 'truth', `misjudged at ${current.threshold}`, `at ${suggested.threshold}`],
      categories.map(({ category, isBad, pictures, wrongNow, wrongSuggested }) => ({
        cells: [
          category,
          isBad ? 'bad' : 'good',
          share(wrongNow, pictures),
          share(wrongSuggested, pictures),
        ],
      })),
    ),
    `<h2>Configuration for the suggested threshold</h2>`,
    `<pre>${escapeXml(configurationLines(evaluation))}</pre>`,
    `<h2>Misjudged at ${current.threshold}: ${wrongCount === 0 ? 'none' : wrongCount}</h2>`,
    wrongCount > wrong.length ? paragraph(`The worst ${wrong.length} are shown.`) : '',
    gallery(wrong),
    `<h2>Judged right, nearest to the threshold</h2>`,
    gallery(close),
    failures.length === 0 ? '' : `<h2>Not judged: ${failures.length}</h2>`,
    ...failures.map(({ name, error }) => paragraph(`${name}: ${error.code}: ${error.message}`)),
    repeated.length === 0 ? '' : `<h2>There twice, counted once: ${repeated.length}</h2>`,
    ...repeated.map(paragraph),
  ].join('\n');
}

const gallery = (pictures: readonly DrawnPicture[]): string =>
  pictures.length === 0
    ? ''
    : `<div class="gallery">${pictures
        .map(({ picture, score, file, isWrong }) => {
          const kind = isWrong
            ? picture.isBad
              ? 'escape'
              : 'false reject'
            : picture.isBad
              ? 'bad'
              : 'good';
          return htmlFigure(file, `${score.toFixed(4)} · ${kind} · ${picture.name}`);
        })
        .join('')}</div>`;
