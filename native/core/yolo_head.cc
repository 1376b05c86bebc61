#include "yolo_head.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "output_kernels.h"

namespace vedette {
namespace {

// A row of this many floats is a page: channels are read in pieces that the prefetcher follows, and
// the best of a piece stay in the first cache.
constexpr size_t kPiece = 1024;

Status refused_memory() {
  return fail(Code::internal, "the system refused the memory for reading a model's output");
}

Status check_sizes(size_t count, const YoloHead& head, const float* thresholds,
                   size_t threshold_count, const Suppression& suppression, size_t row_floats,
                   size_t label_count) {
  size_t elements = 0, least = 0, row_need = 0;
  const bool has_channels =
      head.classes >= 1 && add(head.first_class(), head.classes, &least) && head.channels >= least;
  if (!has_channels || head.anchors > UINT32_MAX) {
    return fail(Code::tensor_invalid,
                "a head of %zu channels cannot hold a box and the scores of %zu classes",
                head.channels, head.classes);
  }
  if (!multiply(head.channels, head.anchors, &elements) || elements != count) {
    return fail(Code::tensor_invalid, "%zu values came for %zu channels of %zu candidates", count,
                head.channels, head.anchors);
  }
  if (threshold_count != head.classes) {
    return fail(Code::tensor_invalid, "%zu thresholds came for %zu classes", threshold_count,
                head.classes);
  }
  for (size_t i = 0; i < threshold_count; i++) {
    if (std::isnan(thresholds[i])) return fail(Code::tensor_invalid, "threshold %zu is NaN", i);
  }
  if (!(suppression.iou_threshold >= 0 && suppression.iou_threshold <= 1)) {
    return fail(Code::tensor_invalid, "iouThreshold must be 0 to 1, got %g",
                suppression.iou_threshold);
  }
  if (suppression.limit < 1 || suppression.limit > kMaxCandidates) {
    return fail(Code::tensor_invalid, "at most %d boxes can be kept, %zu are asked for",
                kMaxCandidates, suppression.limit);
  }
  if (!multiply(suppression.limit, kBoxFloats + head.extras(), &row_need) ||
      row_floats < row_need || label_count < suppression.limit) {
    return fail(Code::tensor_invalid,
                "room for %zu boxes is needed: %zu floats, of which %zu came, and as many labels, "
                "of which %zu came",
                suppression.limit, row_need, row_floats, label_count);
  }
  return {};
}

bool reserve(YoloWorkspace& workspace, const YoloHead& head) {
  const size_t most = std::min<size_t>(head.anchors, kMaxCandidates);
  return workspace.best.reserve(kPiece) && workspace.reached.reserve(kPiece) &&
         workspace.candidates.reserve(head.anchors) && workspace.boxes.reserve(5 * most) &&
         workspace.marks.reserve(2 * most);
}

// Ascending keys for descending scores; -0 and 0 are equal.
uint64_t key_of(float score, size_t anchor) {
  const float plain = score + 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &plain, sizeof bits);
  const uint32_t ascending = (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
  return uint64_t{~ascending} << 32 | static_cast<uint32_t>(anchor);
}

class Reader {
 public:
  Reader(const float* values, const YoloHead& head, const float* thresholds,
         YoloWorkspace& workspace)
      : values_(values),
        head_(head),
        thresholds_(thresholds),
        workspace_(workspace),
        lowest_(*std::min_element(thresholds, thresholds + head.classes)) {}

  // False when a value is not finite.
  bool find_candidates() {
    uint32_t bits = 0;
    for (size_t anchor = 0; anchor < head_.anchors; anchor += kPiece) {
      const size_t anchors = std::min(kPiece, head_.anchors - anchor);
      bits = std::max(
          bits, head_.is_rows ? best_in_rows(anchor, anchors) : best_in_channels(anchor, anchors));
      if (bits >= kNotFinite) return false;
      collect(anchor, anchors);
    }
    return true;
  }

  // The best ones to the front, in order; how many.
  size_t sort_candidates() {
    Candidate* const all = workspace_.candidates.data();
    const auto before = [](const Candidate& a, const Candidate& b) { return a.key < b.key; };
    if (count_ > kMaxCandidates) {
      std::nth_element(all, all + kMaxCandidates, all + count_, before);
      count_ = kMaxCandidates;
    }
    std::sort(all, all + count_, before);
    return count_;
  }

 private:
  uint32_t best_in_channels(size_t anchor, size_t anchors) {
    const size_t first = head_.first_class();
    float* const best = workspace_.best.data();
    uint32_t bits = kernels_.best_of_columns(values_ + head_.at(first, anchor), head_.anchors,
                                             head_.classes, anchors, best);
    for (size_t channel = 0; channel < head_.channels; channel++) {
      if (channel == first) channel += head_.classes;
      if (channel == head_.channels) break;
      bits = std::max(bits, kernels_.largest_bits(values_ + head_.at(channel, anchor), anchors));
    }
    if (head_.has_objectness) kernels_.multiply(values_ + head_.at(4, anchor), 1, anchors, best);
    return bits;
  }

  uint32_t best_in_rows(size_t anchor, size_t anchors) {
    const float* const row = values_ + anchor * head_.channels;
    float* const best = workspace_.best.data();
    const uint32_t bits = kernels_.best_of_rows(row, head_.channels, head_.first_class(),
                                                head_.classes, anchors, best);
    if (head_.has_objectness) kernels_.multiply(row + 4, head_.channels, anchors, best);
    return bits;
  }

  void collect(size_t anchor, size_t anchors) {
    const float* const best = workspace_.best.data();
    uint32_t* const reached = workspace_.reached.data();
    size_t count = 0;
    for (size_t i = 0; i < anchors; i++) {
      reached[count] = static_cast<uint32_t>(i);
      count += best[i] >= lowest_ ? 1 : 0;
    }
    for (size_t i = 0; i < count; i++) add_candidate(anchor + reached[i]);
  }

  // The class is looked up only here: of the head's candidates few come this far.
  void add_candidate(size_t anchor) {
    const size_t first = head_.first_class();
    uint32_t label = 0;
    float most = values_[head_.at(first, anchor)];
    for (size_t i = 1; i < head_.classes; i++) {
      const float value = values_[head_.at(first + i, anchor)];
      if (value > most) {
        most = value;
        label = static_cast<uint32_t>(i);
      }
    }
    const float score = head_.has_objectness ? most * values_[head_.at(4, anchor)] : most;
    if (score >= thresholds_[label]) {
      workspace_.candidates[count_++] = {key_of(score, anchor), score, label};
    }
  }

  const float* values_;
  const YoloHead& head_;
  const float* thresholds_;
  YoloWorkspace& workspace_;
  const OutputKernels& kernels_ = output_kernels();
  float lowest_;
  size_t count_ = 0;
};

size_t anchor_of(const Candidate& candidate) { return candidate.key & UINT32_MAX; }

// A product may look like a score when its factors are none.
bool are_scores(const float* values, const YoloHead& head, const Candidate* candidates,
                size_t count, YoloFound* found) {
  for (size_t i = 0; i < count; i++) {
    const size_t anchor = anchor_of(candidates[i]);
    const size_t elements[2] = {head.at(head.first_class() + candidates[i].label, anchor),
                                head.at(4, anchor)};
    for (int part = 0; part < (head.has_objectness ? 2 : 1); part++) {
      const double score = values[elements[part]];
      if (score >= -0.01 && score <= 1.01) continue;
      found->fault = HeadFault::no_score;
      found->element = elements[part];
      found->value = values[elements[part]];
      return false;
    }
  }
  return true;
}

// Corners are rounded to single precision, as they are handed out.
void write_boxes(const float* values, const YoloHead& head, const Candidate* candidates,
                 size_t count, double* boxes, int64_t* labels) {
  for (size_t i = 0; i < count; i++) {
    const size_t anchor = anchor_of(candidates[i]);
    for (size_t axis = 0; axis < 2; axis++) {
      const double centre = values[head.at(axis, anchor)];
      const double half = values[head.at(axis + 2, anchor)] / 2.0;
      boxes[axis * count + i] = static_cast<float>(centre - half);
      boxes[(axis + 2) * count + i] = static_cast<float>(centre + half);
    }
    const double width = boxes[2 * count + i] - boxes[i];
    const double height = boxes[3 * count + i] - boxes[count + i];
    boxes[4 * count + i] = width * height;
    labels[i] = candidates[i].label;
  }
}

}  // namespace

Status read_yolo_head(const float* values, size_t count, const YoloHead& head,
                      const float* thresholds, size_t threshold_count,
                      const Suppression& suppression, YoloWorkspace& workspace, float* rows,
                      size_t row_floats, int32_t* labels, size_t label_count, YoloFound* found) {
  *found = {};
  const Status status =
      check_sizes(count, head, thresholds, threshold_count, suppression, row_floats, label_count);
  if (!status.ok() || head.anchors == 0) return status;
  if (!reserve(workspace, head)) return refused_memory();
  Reader reader(values, head, thresholds, workspace);
  if (!reader.find_candidates()) {
    found->fault = HeadFault::not_finite;
    return {};
  }
  const size_t candidates = reader.sort_candidates();
  found->candidates = candidates;
  const Candidate* const sorted = workspace.candidates.data();
  if (!are_scores(values, head, sorted, candidates, found)) return {};

  double* const boxes = workspace.boxes.data();
  int64_t* const classes = workspace.marks.data();
  int64_t* const dropped = classes + candidates;
  write_boxes(values, head, sorted, candidates, boxes, classes);
  std::memset(dropped, 0, candidates * sizeof *dropped);
  const BoxColumns columns = {boxes,
                              boxes + candidates,
                              boxes + 2 * candidates,
                              boxes + 3 * candidates,
                              boxes + 4 * candidates,
                              classes};
  const OutputKernels& kernels = output_kernels();
  for (size_t place = 0; place < candidates && found->kept < suppression.limit; place++) {
    if (dropped[place] != 0) continue;
    kernels.drop_overlaps(columns, place, place + 1, candidates, suppression.iou_threshold,
                          suppression.is_agnostic, dropped);
    float* const row = rows + found->kept * (kBoxFloats + head.extras());
    for (size_t corner = 0; corner < 4; corner++) {
      row[corner] = static_cast<float>(boxes[corner * candidates + place]);
    }
    row[4] = sorted[place].score;
    for (size_t extra = 0; extra < head.extras(); extra++) {
      const size_t channel = head.first_class() + head.classes + extra;
      row[kBoxFloats + extra] = values[head.at(channel, anchor_of(sorted[place]))];
    }
    labels[found->kept++] = static_cast<int32_t>(sorted[place].label);
  }
  return {};
}

}  // namespace vedette
