import { callSection } from './call-section.ts';
import { camerasSection } from './cameras-section.ts';
import { componentSection } from './component-section.ts';
import { costsSection } from './costs-section.ts';
import { decodeSection } from './decode-section.ts';
import { deliverySection } from './delivery-section.ts';
import { frameSection } from './frame-section.ts';
import { httpSection } from './http-section.ts';
import { loopSection } from './loop-section.ts';
import { jpegSection } from './jpeg-section.ts';
import { memorySection } from './memory-section.ts';
import { postprocessSection } from './postprocess-section.ts';
import { preprocessSection } from './preprocess-section.ts';
import { publisherSection } from './publisher-section.ts';
import { rawSection } from './raw-section.ts';
import { resolveSection } from './resolve-section.ts';
import { runSection } from './run-section.ts';
import type { Section } from './section.ts';
import { startSection } from './start-section.ts';
import { triggersSection } from './triggers-section.ts';
import { versionsSection } from './versions-section.ts';
import { trackingSection } from './tracking-section.ts';
import { throughputSection } from './throughput-section.ts';

/** In the order of the page. */
export const SECTIONS: readonly Section[] = [
  rawSection,
  jpegSection,
  callSection,
  costsSection,
  preprocessSection,
  runSection,
  decodeSection,
  postprocessSection,
  trackingSection,
  frameSection,
  camerasSection,
  httpSection,
  triggersSection,
  throughputSection,
  loopSection,
  resolveSection,
  startSection,
  componentSection,
  versionsSection,
  publisherSection,
  deliverySection,
  memorySection,
];
