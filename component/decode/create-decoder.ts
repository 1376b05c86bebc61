import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration } from '../contract/tensor.ts';
import { AnomalyDecoder } from './anomaly.ts';
import { ClassificationDecoder } from './classification.ts';
import type { Decoder, DecoderModel } from './decoder.ts';
import { EmbeddingDecoder } from './embedding.ts';
import { EndToEndDetections } from './end-to-end-detections.ts';
import { EndToEndOrientedBoxes } from './end-to-end-oriented-boxes.ts';
import { EndToEndPoses } from './end-to-end-poses.ts';
import { EndToEndSegments } from './end-to-end-segments.ts';
import { HeatmapDecoder } from './heatmaps.ts';
import { LabelledBoxes } from './labelled-boxes.ts';
import { MaskRcnn } from './mask-rcnn.ts';
import { MoveNetDecoder } from './movenet.ts';
import { MultiHeadAnomalyDecoder } from './multi-head-anomaly.ts';
import { RawTensorsDecoder } from './raw-tensors.ts';
import { RfDetrDecoder } from './rf-detr.ts';
import { RtDetrDecoder } from './rt-detr.ts';
import { ScoredBoxes } from './scored-boxes.ts';
import { SemanticSegmentation } from './semantic-segmentation.ts';
import { TextDetection } from './text-detection.ts';
import { TextDirection } from './text-direction.ts';
import { TextRecognition } from './text-recognition.ts';
import { YoloDetections } from './yolo-detections.ts';
import { YoloOrientedBoxes } from './yolo-oriented-boxes.ts';
import { YoloPoses } from './yolo-poses.ts';
import { YoloSegments } from './yolo-segments.ts';
import { YoloxDecoder } from './yolox.ts';

/**
 * The decoder that the manifest names, for a graph with these outputs.
 * @throws VedetteError MODEL_MISMATCH when the graph's outputs are not what it reads
 */
export function createDecoder(
  output: ModelOutput,
  declarations: readonly TensorDeclaration[],
  model: DecoderModel,
): Decoder {
  switch (output.decoder) {
    case 'end-to-end-detections':
      return new EndToEndDetections(output, declarations, model);
    case 'anomaly':
      return new AnomalyDecoder(output, declarations, model);
    case 'multi-head-anomaly':
      return new MultiHeadAnomalyDecoder(output, declarations, model);
    case 'rf-detr':
      return new RfDetrDecoder(output, declarations, model);
    case 'classification':
      return new ClassificationDecoder(output, declarations, model);
    case 'yolo-detections':
      return new YoloDetections(output, declarations, model);
    case 'yolo-poses':
      return new YoloPoses(output, declarations, model);
    case 'movenet':
      return new MoveNetDecoder(output, declarations, model);
    case 'yolo-segments':
      return new YoloSegments(output, declarations, model);
    case 'heatmaps':
      return new HeatmapDecoder(output, declarations, model);
    case 'embedding':
      return new EmbeddingDecoder(output, declarations, model);
    case 'tensors':
      return new RawTensorsDecoder(output, declarations);
    case 'yolox':
      return new YoloxDecoder(output, declarations, model);
    case 'rt-detr':
      return new RtDetrDecoder(output, declarations, model);
    case 'labelled-boxes':
      return new LabelledBoxes(output, declarations, model);
    case 'scored-boxes':
      return new ScoredBoxes(output, declarations, model);
    case 'mask-rcnn':
      return new MaskRcnn(output, declarations, model);
    case 'end-to-end-poses':
      return new EndToEndPoses(output, declarations, model);
    case 'end-to-end-segments':
      return new EndToEndSegments(output, declarations, model);
    case 'end-to-end-oriented-boxes':
      return new EndToEndOrientedBoxes(output, declarations, model);
    case 'yolo-oriented-boxes':
      return new YoloOrientedBoxes(output, declarations, model);
    case 'semantic-segmentation':
      return new SemanticSegmentation(output, declarations, model);
    case 'text-detection':
      return new TextDetection(output, declarations, model);
    case 'text-direction':
      return new TextDirection(output, declarations);
    case 'text-recognition':
      return new TextRecognition(output, declarations, model);
  }
}
