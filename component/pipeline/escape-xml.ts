/** Text as it may stand in XML and HTML; labels and names of files come from outside. */
export const escapeXml = (text: string): string =>
  text
    // XML refuses most control characters even when escaped.
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/g, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
