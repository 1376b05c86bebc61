import { escapeXml } from '../../pipeline/escape-xml.ts';

const STYLE = `
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1b1f24; background: #fff; max-width: 1080px; margin: 0 auto; padding: 24px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 32px 0 8px; }
p { margin: 8px 0; } .quiet { color: #57606a; font-size: 13px; overflow-wrap: anywhere; }
.words { background: #f3f6f9; border-left: 4px solid #0072b2; padding: 10px 14px; }
table { border-collapse: collapse; margin: 8px 0; } th, td { text-align: left; padding: 5px 16px 5px 0; border-bottom: 1px solid #d8dee4; vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; } tr.marked td { background: #fff6e0; }
pre { background: #f3f6f9; padding: 12px 14px; overflow-x: auto; }
svg { max-width: 100%; height: auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 16px; }
.gallery.wide { grid-template-columns: 1fr; }
figure { margin: 0; } figure img { width: 100%; height: auto; display: block; border: 1px solid #d8dee4; }
figcaption { font-size: 13px; padding: 4px 0; overflow-wrap: anywhere; }
`;

/** A page that needs nothing from a network: its style is inside, its pictures lie beside it. */
export const htmlPage = (title: string, body: string): string =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
  `<meta name="viewport" content="width=device-width, initial-scale=1">` +
  `<title>${escapeXml(title)}</title><style>${STYLE}</style></head>\n<body>\n${body}\n</body></html>\n`;

export interface HtmlRow {
  readonly cells: readonly string[];
  readonly isMarked?: boolean;
}

/** @param head and cells are plain text */
export const htmlTable = (head: readonly string[], rows: readonly HtmlRow[]): string =>
  `<table><thead><tr>${head.map((cell) => `<th>${escapeXml(cell)}</th>`).join('')}</tr></thead><tbody>` +
  rows
    .map(
      ({ cells, isMarked }) =>
        `<tr${isMarked ? ' class="marked"' : ''}>${cells.map((cell) => `<td class="number">${escapeXml(cell)}</td>`).join('')}</tr>`,
    )
    .join('') +
  `</tbody></table>`;

/** @param file below the page's folder, with `/` */
export const htmlFigure = (file: string, caption: string): string =>
  `<figure><img src="${escapeXml(file.split('/').map(encodeURIComponent).join('/'))}" alt="" loading="lazy">` +
  `<figcaption>${escapeXml(caption)}</figcaption></figure>`;
