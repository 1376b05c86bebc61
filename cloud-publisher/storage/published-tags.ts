/**
 * Of each object that the publisher puts into a bucket, so that it can be told from others there. The same
 * file may belong to several components, so that none is named.
 */
export const publishedTags = (sha256: string): Readonly<Record<string, string>> => ({
  'vedette:managed': 'true',
  'vedette:sha256': sha256,
});
