#pragma once
#include <napi.h>

namespace vedette {

// Where the numbers of a call on a grid of cells lie in its Float64Array. Mirrored in
// native/areas.ts.
enum AreaSlot : int {
  kAreaWidth = 0,
  kAreaHeight,
  kAreaBox,
  kAreaMinCells = kAreaBox + 4,
  kAreaMaxAreas,
  // Of a map of values.
  kAreaThreshold,
  // Of a map of classes; a background of 65535 is none.
  kAreaClasses,
  kAreaBackground,
  kAreaIsLast,
  // Of prototypes.
  kAreaChannels,
  kAreaPrototypeWidth,
  kAreaPrototypeHeight,
  kAreaFault,
  kAreaElement,
  kAreaValue,
  kAreaSlots,
};

void register_areas(Napi::Env env, Napi::Object exports);

}  // namespace vedette
