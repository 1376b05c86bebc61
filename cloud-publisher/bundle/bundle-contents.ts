import { z } from 'zod';

/** Files of an exported bundle: a stored zip. */
export const BUNDLE_FILE = 'bundle.json';
export const CONTENTS_FILE = 'contents.json';
export const SIGNATURE_FILE = 'signature.json';

export const recipePath = (component: string, version: string): string =>
  `recipes/${component}-${version}.json`;

export const tagsPath = (component: string, version: string): string =>
  `tags/${component}-${version}.json`;

/** By digest, so that one file of two components lies in it once. */
export const artifactPath = (sha256: string, fileName: string): string =>
  `artifacts/${sha256}/${fileName}`;

/** Every other file with its digest: what is signed. */
export const contentsSchema = z.strictObject({
  schemaVersion: z.literal(1),
  files: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(255),
        byteLength: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(4096),
});

export type BundleContents = z.infer<typeof contentsSchema>;

/** What the recipe of an exported component has for the address of an artifact, as GDK writes it. */
export const placeholderUri = (fileName: string): string =>
  `s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/${fileName}`;
