/**
 * What an archive of a model package (zip, tar, tar.gz) may hold. Whoever packs one keeps to it,
 * whoever unpacks one refuses what goes beyond.
 */
export const PACKAGE_ARCHIVE_LIMITS = {
  /** Entries, folders among them. */
  maxFiles: 4096,
  /** Of all files together, unpacked. */
  maxBytes: 8 * 1024 ** 3,
  /** Unpacked bytes for each byte of the archive, once more than `ratioFromBytes` are unpacked. */
  maxRatio: 200,
  ratioFromBytes: 16 * 1024 ** 2,
  /** Names in a path: `a/b/c` has three. */
  maxDepth: 8,
  /** Of a path, in bytes of UTF-8. */
  maxPathBytes: 255,
} as const;
