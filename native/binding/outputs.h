#pragma once
#include <napi.h>

namespace vedette {

// Where the numbers of a call on a YOLO head lie in its Float64Array. Mirrored in
// native/yolo-head-reader.ts.
enum YoloSlot : int {
  kYoloIsRows = 0,
  kYoloHasObjectness,
  kYoloChannels,
  kYoloAnchors,
  kYoloClasses,
  kYoloIouThreshold,
  kYoloIsAgnostic,
  kYoloLimit,
  kYoloCandidates,
  kYoloKept,
  kYoloFault,
  kYoloElement,
  kYoloValue,
  kYoloSlots,
};

void register_outputs(Napi::Env env, Napi::Object exports);

}  // namespace vedette
