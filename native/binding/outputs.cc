#include "outputs.h"

#include "../core/yolo_head.h"
#include "elements.h"

namespace vedette {
namespace {

// Each worker thread keeps its own scratch memory.
struct ThreadMemory {
  YoloWorkspace yolo;
  Buffer<float> widened;
};
ThreadMemory& thread_memory() {
  static thread_local ThreadMemory memory;
  return memory;
}

Status yolo_call(const Napi::CallbackInfo& info) {
  double* slots = nullptr;
  Status status = numbers_of(info[1], kYoloSlots, &slots);
  if (!status.ok()) return status;
  YoloHead head;
  head.is_rows = slots[kYoloIsRows] != 0;
  head.has_objectness = slots[kYoloHasObjectness] != 0;
  Suppression suppression;
  suppression.iou_threshold = slots[kYoloIouThreshold];
  suppression.is_agnostic = slots[kYoloIsAgnostic] != 0;
  status = read_size(slots[kYoloChannels], "channels", &head.channels);
  if (status.ok()) status = read_size(slots[kYoloAnchors], "candidates", &head.anchors);
  if (status.ok()) status = read_size(slots[kYoloClasses], "classes", &head.classes);
  if (status.ok()) status = read_size(slots[kYoloLimit], "limit", &suppression.limit);
  Span<const float> thresholds, values;
  Span<float> rows;
  Span<int32_t> labels;
  if (status.ok()) {
    status = elements_of(info[2], napi_float32_array, "a Float32Array of thresholds", &thresholds);
  }
  if (status.ok()) {
    status = elements_of(info[3], napi_float32_array, "a Float32Array for boxes", &rows);
  }
  if (status.ok()) {
    status = elements_of(info[4], napi_int32_array, "an Int32Array for class indices", &labels);
  }
  ThreadMemory& memory = thread_memory();
  if (status.ok()) status = floats_of(info[0], memory.widened, &values);
  if (!status.ok()) return status;
  YoloFound found;
  status =
      read_yolo_head(values.data, values.size, head, thresholds.data, thresholds.size, suppression,
                     memory.yolo, rows.data, rows.size, labels.data, labels.size, &found);
  release_if_huge(memory.widened);
  release_if_huge(memory.yolo.candidates);
  slots[kYoloCandidates] = static_cast<double>(found.candidates);
  slots[kYoloKept] = static_cast<double>(found.kept);
  slots[kYoloFault] = static_cast<double>(found.fault);
  slots[kYoloElement] = static_cast<double>(found.element);
  slots[kYoloValue] = found.value;
  return status;
}

Napi::Value read_yolo_head_js(const Napi::CallbackInfo& info) {
  return finish(info.Env(), yolo_call(info));
}

}  // namespace

void register_outputs(Napi::Env env, Napi::Object exports) {
  exports.Set("readYoloHead", Napi::Function::New(env, read_yolo_head_js));
}

}  // namespace vedette
