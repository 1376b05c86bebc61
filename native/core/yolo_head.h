#pragma once
#include "buffer.h"
#include "status.h"

// YOLO heads: from the output tensor to the boxes that are left when duplicates are suppressed.

namespace vedette {

// More than any scene has: what lies beyond is a threshold near 0, and would only cost time.
constexpr int kMaxCandidates = 4096;

// [channels, anchors], or with `is_rows` [anchors, channels]. Channels are centre x, centre y, width,
// height, objectness where there is one, a score for each class, then further values ("extras").
struct YoloHead {
  bool is_rows = false;
  bool has_objectness = false;
  size_t channels = 0;
  size_t anchors = 0;
  size_t classes = 0;

  size_t first_class() const { return has_objectness ? 5 : 4; }
  size_t extras() const { return channels - first_class() - classes; }
  // Element of a channel of an anchor.
  size_t at(size_t channel, size_t anchor) const {
    return is_rows ? anchor * channels + channel : channel * anchors + anchor;
  }
};

struct Suppression {
  double iou_threshold = 0;
  bool is_agnostic = false;
  size_t limit = 0;
};

// What makes a head no answer of a model.
enum class HeadFault : int { none = 0, not_finite, no_score };

struct YoloFound {
  size_t candidates = 0;
  size_t kept = 0;
  HeadFault fault = HeadFault::none;
  // Of a score that is none: its place in the tensor, and what stands there.
  size_t element = 0;
  float value = 0;
};

struct Candidate {
  // Ascending: greater scores first, equal ones by anchor.
  uint64_t key;
  float score;
  uint32_t label;
};

struct YoloWorkspace {
  Buffer<float> best;
  Buffer<uint32_t> reached;
  Buffer<Candidate> candidates;
  Buffer<double> boxes;
  Buffer<int64_t> marks;
};

// Floats in a row of the result: x1, y1, x2, y2, score, then the extras.
constexpr size_t kBoxFloats = 5;

// Every value must be finite. A candidate stands for its best class (the first of equal ones); its
// score is that class's, times objectness. Those that reach the threshold of their class, best first
// and equal ones in the head's order, at most the best 4096, must have scores of -0.01 to 1.01; they
// are suppressed greedily: one is dropped when its intersection over union with a better one that was
// kept is greater than the threshold. Arithmetic on boxes is in double precision on corners rounded
// to single.
// `rows` has space for `limit` rows, `labels` for as many class indices. TENSOR_INVALID when sizes do
// not fit together.
Status read_yolo_head(const float* values, size_t count, const YoloHead& head,
                      const float* thresholds, size_t threshold_count,
                      const Suppression& suppression, YoloWorkspace& workspace, float* rows,
                      size_t row_floats, int32_t* labels, size_t label_count, YoloFound* found);

}  // namespace vedette
