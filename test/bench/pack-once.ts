import { packArchive } from '../../cloud-publisher/package/packed-archive.ts';

/** Packs one file and says what it took: `pack-once.ts FILE FOLDER`. */
const [file = '', folder = ''] = process.argv.slice(2);
const startedAtMs = performance.now();
await packArchive(folder, 'model.zip', [{ path: 'model.onnx', content: { file } }]);
const tookMs = performance.now() - startedAtMs;
// Kilobytes, whatever the system: https://nodejs.org/api/process.html#processresourceusage
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ tookMs, peakBytes }));
