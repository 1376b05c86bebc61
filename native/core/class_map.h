#pragma once
#include "buffer.h"
#include "status.h"

// Maps of classes: which class each cell of a grid belongs to.

namespace vedette {

// More classes than any model has; the last number stands for no class.
constexpr size_t kMaxMapClasses = 65534;
constexpr uint16_t kNoClass = 65535;

struct MapFault {
  enum class Kind : int { none = 0, not_finite, no_class } kind = Kind::none;
  // Of a class index that is none.
  size_t element = 0;
  double value = 0;
};

struct ClassMapWorkspace {
  Buffer<float> best;
  Buffer<int32_t> place;
};

// The class of the greatest score of each of `cells` cells, the first of equal ones. Scores lie
// channel after channel [classes, cells], or with `is_last` cell after cell [cells, classes]. Every one
// must be finite.
Status classes_of_scores(const float* scores, size_t classes, size_t cells, bool is_last,
                         ClassMapWorkspace& workspace, uint16_t* map, MapFault* fault);

// Class indices as a model gives them, each 0 to classes - 1.
template <typename Index>
Status classes_of_indices(const Index* indices, size_t classes, size_t cells, uint16_t* map,
                          MapFault* fault);

}  // namespace vedette
