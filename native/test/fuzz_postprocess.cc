// libFuzzer target: the first bytes choose what is read and its sizes, the rest are the output's
// values as they are, NaN and infinity among them.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../core/class_map.h"
#include "../core/instance_masks.h"
#include "../core/row_kernels.h"
#include "../core/yolo_head.h"

using namespace vedette;

namespace {

struct Choices {
  const uint8_t* data;
  size_t size;

  int below(int limit) {
    if (size == 0) return 0;
    size--;
    return *data++ % limit;
  }

  // Mostly a small number, sometimes a huge one.
  size_t count(int limit) {
    static const size_t huge[] = {SIZE_MAX, SIZE_MAX / 2 + 1, size_t{1} << 53, size_t{1} << 32};
    if (below(16) == 0) return huge[below(4)];
    return static_cast<size_t>(below(limit));
  }

  float value() {
    float value = 0;
    const size_t bytes = size < sizeof value ? size : sizeof value;
    std::memcpy(&value, data, bytes);
    data += bytes;
    size -= bytes;
    return value;
  }
};

// Exactly as many as there are: the sanitizer sees a read beyond them.
std::vector<float> rest_of(const Choices& choices) {
  std::vector<float> values(choices.size / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), choices.data, values.size() * sizeof(float));
  values.shrink_to_fit();
  return values;
}

void yolo(Choices choices) {
  static YoloWorkspace workspace;
  YoloHead head;
  head.is_rows = choices.below(2) == 1;
  head.has_objectness = choices.below(2) == 1;
  head.classes = choices.count(9);
  head.channels = choices.below(8) == 0
                      ? choices.count(32)
                      : head.first_class() + head.classes + static_cast<size_t>(choices.below(4));
  Suppression suppression;
  suppression.iou_threshold = choices.below(8) == 0 ? choices.value() : choices.below(11) / 10.0;
  suppression.is_agnostic = choices.below(2) == 1;
  suppression.limit = choices.count(40);
  std::vector<float> thresholds(static_cast<size_t>(choices.below(10)));
  if (choices.below(8) != 0 && head.classes < 10) thresholds.resize(head.classes);
  for (float& threshold : thresholds) {
    threshold =
        choices.below(8) == 0 ? choices.value() : static_cast<float>(choices.below(10)) / 10;
  }
  const bool is_fitting = choices.below(8) != 0;
  const size_t asked = choices.count(64);
  std::vector<float> values = rest_of(choices);
  head.anchors = is_fitting && head.channels > 0 ? values.size() / head.channels : asked;
  if (is_fitting) values.resize(head.channels * head.anchors);
  std::vector<float> rows(suppression.limit < 64 ? suppression.limit * 12 : 5);
  std::vector<int32_t> labels(suppression.limit < 64 ? suppression.limit : 3);
  YoloFound found;
  (void)read_yolo_head(values.data(), values.size(), head, thresholds.data(), thresholds.size(),
                       suppression, workspace, rows.data(), rows.size(), labels.data(),
                       labels.size(), &found);
}

AreaLimits limits_of(Choices& choices) {
  AreaLimits limits;
  limits.min_cells = choices.below(8) == 0 ? choices.value() : choices.below(5);
  limits.max_areas = choices.count(20);
  return limits;
}

CellBox box_of(Choices& choices, size_t width, size_t height) {
  if (choices.below(4) == 0) {
    return {choices.count(40), choices.count(40), choices.count(40), choices.count(40)};
  }
  return {0, 0, width, height};
}

// Scores, or indices of whatever size, to a map of classes and its areas.
void classes(Choices choices) {
  static ClassMapWorkspace workspace;
  static AreaWorkspace areas;
  static NumberList list;
  list.clear();
  const size_t count = choices.count(12);
  const int kind = choices.below(5);
  const size_t width = static_cast<size_t>(1 + choices.below(40));
  const AreaLimits limits = limits_of(choices);
  const uint16_t background = static_cast<uint16_t>(choices.below(4));
  Choices boxes = choices;
  const std::vector<float> values = rest_of(choices);
  const bool is_scores = kind < 2;
  if (is_scores && count > 100) return;
  const size_t bytes = is_scores   ? sizeof(float) * (count > 0 ? count : 1)
                       : kind == 2 ? 1
                       : kind == 3 ? sizeof(int32_t)
                                   : sizeof(int64_t);
  const size_t rows = values.size() * sizeof(float) / bytes / width;
  const size_t cells = rows * width;
  std::vector<uint16_t> map(cells);
  MapFault fault;
  Status status;
  if (is_scores) {
    status =
        classes_of_scores(values.data(), count, cells, kind == 1, workspace, map.data(), &fault);
  } else if (kind == 2) {
    status = classes_of_indices(reinterpret_cast<const uint8_t*>(values.data()), count, cells,
                                map.data(), &fault);
  } else if (kind == 3) {
    status = classes_of_indices(reinterpret_cast<const int32_t*>(values.data()), count, cells,
                                map.data(), &fault);
  } else {
    status = classes_of_indices(reinterpret_cast<const int64_t*>(values.data()), count, cells,
                                map.data(), &fault);
  }
  if (!status.ok() || fault.kind != MapFault::Kind::none) return;
  (void)list_areas<uint16_t>(map.data(), width, rows, box_of(boxes, width, rows), background,
                             limits, areas, &list);
}

void masks(Choices choices) {
  static MaskWorkspace workspace;
  static NumberList list;
  list.clear();
  Prototypes prototypes;
  prototypes.channels = choices.count(8);
  prototypes.width = choices.count(24);
  MaskInput input;
  input.width = choices.count(100);
  input.height = choices.count(100);
  input.within = box_of(choices, input.width, input.height);
  const AreaLimits limits = limits_of(choices);
  float box[4];
  for (float& corner : box) {
    corner = choices.below(4) == 0 ? choices.value() : static_cast<float>(choices.below(100));
  }
  const bool is_fitting = choices.below(8) != 0;
  const size_t asked = choices.count(24);
  std::vector<float> coefficients(prototypes.channels < 8 ? prototypes.channels : 1);
  for (float& coefficient : coefficients) coefficient = choices.value();
  std::vector<float> values = rest_of(choices);
  const size_t row =
      prototypes.channels < 8 && prototypes.width < 24 ? prototypes.channels * prototypes.width : 0;
  prototypes.height = is_fitting && row > 0 ? values.size() / row : asked;
  if (is_fitting && row > 0) values.resize(row * prototypes.height);
  values.shrink_to_fit();
  prototypes.values = values.data();
  if (!check_prototypes(prototypes, values.size(), input).ok()) return;
  if (prototypes.channels > coefficients.size()) return;
  (void)list_mask_areas(prototypes, input, box, coefficients.data(), limits, workspace, &list);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices{data, size};
  int kernels = 0;
  while (available_row_kernels(kernels) != nullptr) kernels++;
  (void)choose_row_kernels(available_row_kernels(choices.below(kernels))->name);
  switch (choices.below(3)) {
    case 0: yolo(choices); break;
    case 1: classes(choices); break;
    default: masks(choices);
  }
  return 0;
}
