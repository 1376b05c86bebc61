import { z } from 'zod';
import { anomaly, multiHeadAnomaly } from './outputs/anomaly-outputs.ts';
import { classification } from './outputs/classification-outputs.ts';
import {
  endToEndDetections,
  endToEndOrientedBoxes,
  labelledBoxes,
  rfDetr,
  rtDetr,
  scoredBoxes,
  yoloDetections,
  yoloOrientedBoxes,
  yolox,
} from './outputs/detection-outputs.ts';
import { endToEndPoses, heatmaps, movenet, yoloPoses } from './outputs/keypoint-outputs.ts';
import { embedding, tensors } from './outputs/other-outputs.ts';
import {
  endToEndSegments,
  maskRcnn,
  semanticSegmentation,
  yoloSegments,
} from './outputs/segmentation-outputs.ts';
import { textDetection, textDirection, textRecognition } from './outputs/text-outputs.ts';

export const modelOutputSchema = z.discriminatedUnion('decoder', [
  endToEndDetections,
  yoloDetections,
  anomaly,
  rfDetr,
  multiHeadAnomaly,
  classification,
  movenet,
  yoloPoses,
  yoloSegments,
  semanticSegmentation,
  endToEndPoses,
  endToEndSegments,
  endToEndOrientedBoxes,
  yoloOrientedBoxes,
  textDetection,
  textDirection,
  textRecognition,
  yolox,
  rtDetr,
  labelledBoxes,
  scoredBoxes,
  maskRcnn,
  heatmaps,
  embedding,
  tensors,
]);

/** What the outputs of a model mean: one shape for each decoder. */
export type ModelOutput = z.infer<typeof modelOutputSchema>;
