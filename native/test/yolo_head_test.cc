#include "../core/yolo_head.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "../core/output_kernels.h"
#include "../core/row_kernels.h"
#include "check.h"
#include "exact_memory.h"
#include "random_frame.h"

using namespace vedette;
using random_frame::Random;

namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Case {
  YoloHead head;
  Suppression suppression;
  std::vector<float> values;
  std::vector<float> thresholds;
};

Case random_case(Random& random) {
  Case made;
  YoloHead& head = made.head;
  head.is_rows = random.below(2) == 1;
  head.has_objectness = random.below(2) == 1;
  head.classes = static_cast<size_t>(1 + random.below(random.below(2) == 0 ? 4 : 90));
  head.channels = head.first_class() + head.classes + static_cast<size_t>(random.below(6));
  head.anchors = static_cast<size_t>(random.below(random.below(4) == 0 ? 3000 : 300));
  made.suppression.iou_threshold = random.below(101) / 100.0;
  made.suppression.is_agnostic = random.below(2) == 1;
  made.suppression.limit = static_cast<size_t>(1 + random.below(300));
  made.values.resize(head.channels * head.anchors);
  for (size_t anchor = 0; anchor < head.anchors; anchor++) {
    for (size_t channel = 0; channel < head.channels; channel++) {
      // Few different values, so that many are equal; zeros of both signs.
      float value = static_cast<float>(random.below(20)) / 20.0f;
      if (random.below(30) == 0) value = -0.0f;
      if (channel < 4) value *= 100;
      made.values[head.at(channel, anchor)] = value;
    }
  }
  for (size_t i = 0; i < head.classes; i++) {
    made.thresholds.push_back(static_cast<float>(random.below(11)) / 10.0f);
  }
  return made;
}

struct Answer {
  Status status;
  YoloFound found;
  std::vector<float> rows;
  std::vector<int32_t> labels;
};

Answer read(const Case& made) {
  YoloWorkspace workspace;
  Answer answer;
  const size_t length = kBoxFloats + made.head.extras();
  answer.rows.assign(made.suppression.limit * length, -7);
  answer.labels.assign(made.suppression.limit, -7);
  // Exactly as many bytes as there are: the sanitizer sees a read beyond them.
  ExactMemory exact(reinterpret_cast<const uint8_t*>(made.values.data()),
                    made.values.size() * sizeof(float));
  answer.status =
      read_yolo_head(reinterpret_cast<const float*>(exact.data()), made.values.size(), made.head,
                     made.thresholds.data(), made.thresholds.size(), made.suppression, workspace,
                     answer.rows.data(), answer.rows.size(), answer.labels.data(),
                     answer.labels.size(), &answer.found);
  return answer;
}

double overlap(const float* a, const float* b) {
  const double width = std::fmin(a[2], b[2]) - std::fmax(a[0], b[0]);
  const double height = std::fmin(a[3], b[3]) - std::fmax(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const auto area = [](const float* box) {
    return (double{box[2]} - box[0]) * (double{box[3]} - box[1]);
  };
  return width * height / (area(a) + area(b) - width * height);
}

void check_answer(const Case& made, const Answer& answer) {
  const size_t length = kBoxFloats + made.head.extras();
  CHECK(answer.found.kept <= made.suppression.limit);
  CHECK(answer.found.kept <= answer.found.candidates);
  for (size_t i = 0; i < answer.found.kept; i++) {
    const float* const row = &answer.rows[i * length];
    CHECK(row[4] >= made.thresholds[static_cast<size_t>(answer.labels[i])]);
    if (i > 0) CHECK(row[4] <= row[4 - static_cast<ptrdiff_t>(length)]);
    for (size_t j = 0; j < i; j++) {
      if (!made.suppression.is_agnostic && answer.labels[i] != answer.labels[j]) continue;
      CHECK(overlap(row, &answer.rows[j * length]) <= made.suppression.iou_threshold + 1e-9);
    }
  }
}

}  // namespace

TEST("every kernel reads heads as the scalar one does") {
  Random random(5);
  for (int run = 0; run < 400; run++) {
    const Case made = random_case(random);
    Answer right;
    for (int i = 0; available_row_kernels(i) != nullptr; i++) {
      CHECK(choose_row_kernels(available_row_kernels(i)->name).ok());
      Answer answer = read(made);
      CHECK(answer.status.ok());
      CHECK(answer.found.fault == HeadFault::none);
      if (i == 0) {
        check_answer(made, answer);
        right = answer;
        continue;
      }
      CHECK(answer.found.candidates == right.found.candidates);
      CHECK(answer.found.kept == right.found.kept);
      CHECK(answer.labels == right.labels);
      CHECK(std::memcmp(answer.rows.data(), right.rows.data(), right.rows.size() * sizeof(float)) ==
            0);
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("every kernel sees a value that is not finite, wherever it is") {
  Random random(6);
  for (int run = 0; run < 300; run++) {
    Case made = random_case(random);
    if (made.values.empty()) continue;
    const float bad[] = {kNan, kInfinite, -kInfinite};
    made.values[static_cast<size_t>(random.below(static_cast<int>(made.values.size())))] =
        bad[random.below(3)];
    for (int i = 0; available_row_kernels(i) != nullptr; i++) {
      CHECK(choose_row_kernels(available_row_kernels(i)->name).ok());
      const Answer answer = read(made);
      CHECK(answer.status.ok());
      CHECK(answer.found.fault == HeadFault::not_finite);
      CHECK(answer.found.kept == 0);
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("a score that is none is named by its place in the head") {
  Case made;
  made.head = {false, true, 7, 3, 2};
  made.suppression = {0.5, false, 10};
  made.thresholds = {0.5f, 0.5f};
  made.values.assign(21, 0.25f);
  // An objectness of 4 and a class score of 0.2: their product would do.
  made.values[made.head.at(4, 1)] = 4;
  const Answer answer = read(made);
  CHECK(answer.status.ok());
  CHECK(answer.found.fault == HeadFault::no_score);
  CHECK(answer.found.element == made.head.at(4, 1));
  CHECK(answer.found.value == 4);
}

TEST("heads whose numbers do not fit together are refused") {
  Random random(7);
  const auto refused = [](const Case& made) {
    YoloWorkspace workspace;
    YoloFound found;
    std::vector<float> rows(64);
    std::vector<int32_t> labels(8);
    const Status status =
        read_yolo_head(made.values.data(), made.values.size(), made.head, made.thresholds.data(),
                       made.thresholds.size(), made.suppression, workspace, rows.data(),
                       rows.size(), labels.data(), labels.size(), &found);
    return status.code == Code::tensor_invalid;
  };
  Case plain;
  plain.head = {false, false, 6, 2, 2};
  plain.suppression = {0.5, false, 8};
  plain.thresholds = {0.5f, 0.5f};
  plain.values.assign(12, 0);
  CHECK(!refused(plain));
  const size_t huge[] = {0, 5, 7, SIZE_MAX, SIZE_MAX / 2, size_t{1} << 40};
  for (const size_t size : huge) {
    for (size_t YoloHead::*part : {&YoloHead::channels, &YoloHead::anchors, &YoloHead::classes}) {
      Case wrong = plain;
      wrong.head.*part = size;
      CHECK(refused(wrong));
    }
  }
  for (const size_t limit : {size_t{0}, size_t{9}, size_t{4097}, SIZE_MAX}) {
    Case wrong = plain;
    wrong.suppression.limit = limit;
    CHECK(refused(wrong));
  }
  for (const double iou : {-0.1, 1.1, double{kNan}}) {
    Case wrong = plain;
    wrong.suppression.iou_threshold = iou;
    CHECK(refused(wrong));
  }
  Case wrong = plain;
  wrong.thresholds[1] = kNan;
  CHECK(refused(wrong));
}

TEST("every kernel widens all halves") {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); i++) halves[i] = static_cast<uint16_t>(i);
  for (int i = 0; available_row_kernels(i) != nullptr; i++) {
    CHECK(choose_row_kernels(available_row_kernels(i)->name).ok());
    std::vector<float> floats(halves.size());
    output_kernels().widen_halves(halves.data(), halves.size(), floats.data());
    for (int bits = 0; bits < 65536; bits++) {
      const float value = floats[static_cast<size_t>(bits)];
      const int exponent = bits >> 10 & 31;
      const int fraction = bits & 1023;
      const float sign = bits & 0x8000 ? -1.0f : 1.0f;
      if (exponent == 31) {
        CHECK(fraction == 0 ? value == sign * kInfinite : std::isnan(value));
      } else {
        const int whole = exponent == 0 ? fraction : fraction + 1024;
        CHECK(value ==
              sign * std::ldexp(static_cast<float>(whole), (exponent ? exponent : 1) - 25));
        CHECK(std::signbit(value) == (sign < 0));
      }
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}
