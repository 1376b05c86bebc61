import { YUV_MATRICES, YUV_RANGES, type SampleMeaning } from '../component/contract/frame.ts';
import { refuse } from './refuse.ts';

const CODE = 'FRAME_INVALID';

/** Mirrored in native/binding/request.h. */
export const MEANING_NUMBERS = 4;

/** @throws VedetteError FRAME_INVALID; whether the levels fit the format is for the addon to say */
export function writeMeaning(numbers: Float64Array, start: number, meaning: SampleMeaning): void {
  const { colour, levels } = meaning;
  numbers[start] = colour === undefined ? 0 : colourNumber(colour);
  numbers[start + 1] = levels === undefined ? 0 : 1;
  if (levels === undefined) return;
  if (typeof levels !== 'object' || levels === null) refuse(CODE, 'levels', 'an object', levels);
  for (const [place, key] of [
    [2, 'black'],
    [3, 'white'],
  ] as const) {
    const level: unknown = levels[key];
    numbers[start + place] =
      typeof level === 'number' ? level : refuse(CODE, `levels.${key}`, 'a number', level);
  }
}

export function readMeaning(numbers: Float64Array, start: number): SampleMeaning {
  const [colour, hasLevels, black, white] = numbers.subarray(
    start,
    start + MEANING_NUMBERS,
  ) as unknown as [number, number, number, number];
  const matrix = YUV_MATRICES[Math.floor((colour - 1) / YUV_RANGES.length)];
  const range = YUV_RANGES[(colour - 1) % YUV_RANGES.length];
  return {
    ...(matrix === undefined || range === undefined ? {} : { colour: { matrix, range } }),
    ...(hasLevels === 0 ? {} : { levels: { black, white } }),
  };
}

function colourNumber(colour: NonNullable<SampleMeaning['colour']>): number {
  if (typeof colour !== 'object' || colour === null) refuse(CODE, 'colour', 'an object', colour);
  const matrix = YUV_MATRICES.indexOf(colour.matrix);
  const range = YUV_RANGES.indexOf(colour.range);
  if (matrix < 0) refuse(CODE, 'colour.matrix', YUV_MATRICES.join(', '), colour.matrix);
  if (range < 0) refuse(CODE, 'colour.range', YUV_RANGES.join(', '), colour.range);
  return 1 + matrix * YUV_RANGES.length + range;
}
