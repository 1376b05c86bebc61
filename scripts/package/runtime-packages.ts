import type { Target } from './target.ts';

/** An npm package that ships as files beside the bundles. */
export interface ShippedPackage {
  readonly name: string;
  /** Which of its files ship; licences always do. */
  readonly ships: (file: string) => boolean;
}

const CODE = /\.(c?js|mjs|json|node)$|\.so(\.[\d.]+)?$/;
const DECLARATION = /\.d\.[cm]?ts$|\.map$/;
const isCode = (file: string): boolean => CODE.test(file) && !DECLARATION.test(file);
const isBelow =
  (...folders: readonly string[]) =>
  (file: string): boolean =>
    file === 'package.json' || folders.some((folder) => file.startsWith(`${folder}/`));

export function shippedPackages({ nodeArch }: Target): readonly ShippedPackage[] {
  const onnx = isBelow('dist', `bin/napi-v6/linux/${nodeArch}`);
  const common = isBelow('dist/cjs');
  // Doors to binaries of one platform each, beside the door that finds the one that was compiled.
  const sqlite = (file: string) => isBelow('lib')(file) && !/^lib\/(darwin|linux|win32)/.test(file);
  return [
    { name: 'onnxruntime-node', ships: (file) => onnx(file) && isCode(file) },
    { name: 'onnxruntime-common', ships: (file) => common(file) && isCode(file) },
    { name: 'better-sqlite3', ships: (file) => sqlite(file) && isCode(file) },
    { name: 'sharp', ships: (file) => isBelow('dist')(file) && isCode(file) },
    { name: '@img/colour', ships: isCode },
    { name: 'detect-libc', ships: isCode },
    { name: 'semver', ships: isCode },
    { name: `@img/sharp-linux-${nodeArch}`, ships: isCode },
    { name: `@img/sharp-libvips-linux-${nodeArch}`, ships: isCode },
    {
      name: 'dejavu-fonts-ttf',
      ships: (file) => /^(package\.json|ttf\/DejaVuSansMono(-Bold)?\.ttf)$/.test(file),
    },
  ];
}
