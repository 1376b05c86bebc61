import type { Size } from '../contract/frame.ts';

/** Cells of an anchor-free head, in the order of its rows: by stride, then row by row. */
export interface GridCells {
  readonly columns: Uint16Array;
  readonly rows: Uint16Array;
  readonly strides: Uint8Array;
}

const STRIDES = [
  [8, 16, 32],
  [8, 16, 32, 64],
];

let last: { readonly key: string; readonly cells: GridCells } | undefined;

/**
 * The cells of an input of this size, one for each of `count` candidates; those of the last call are
 * kept. `undefined` when the size gives another number of cells.
 */
export function gridCells({ width, height }: Size, count: number): GridCells | undefined {
  const key = `${width}×${height}/${count}`;
  if (last?.key === key) return last.cells;
  const across = (stride: number) => Math.floor(width / stride);
  const down = (stride: number) => Math.floor(height / stride);
  const strides = STRIDES.find(
    (some) => some.reduce((sum, stride) => sum + across(stride) * down(stride), 0) === count,
  );
  if (!strides) return undefined;
  const cells = {
    columns: new Uint16Array(count),
    rows: new Uint16Array(count),
    strides: new Uint8Array(count),
  };
  let place = 0;
  for (const stride of strides) {
    for (let row = 0; row < down(stride); row += 1) {
      for (let column = 0; column < across(stride); column += 1) {
        cells.columns[place] = column;
        cells.rows[place] = row;
        cells.strides[place] = stride;
        place += 1;
      }
    }
  }
  last = { key, cells };
  return cells;
}
