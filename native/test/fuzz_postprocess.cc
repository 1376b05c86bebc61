// libFuzzer target: the first bytes choose what is read and its sizes, the rest are the output's
// values as they are, NaN and infinity among them.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Choices choices{data, size};
  int kernels = 0;
  while (available_row_kernels(kernels) != nullptr) kernels++;
  (void)choose_row_kernels(available_row_kernels(choices.below(kernels))->name);
  yolo(choices);
  return 0;
}
