#include "class_map.h"

#include <algorithm>

#include "output_kernels.h"

namespace vedette {
namespace {

// As in yolo_head.cc: a row of this many floats is a page.
constexpr size_t kPiece = 1024;

Status check_classes(size_t classes) {
  if (classes >= 1 && classes <= kMaxMapClasses) return {};
  return fail(Code::tensor_invalid, "1 to %zu classes expected, got %zu", kMaxMapClasses, classes);
}

}  // namespace

Status classes_of_scores(const float* scores, size_t classes, size_t cells, bool is_last,
                         ClassMapWorkspace& workspace, uint16_t* map, MapFault* fault) {
  *fault = {};
  const Status status = check_classes(classes);
  if (!status.ok()) return status;
  if (!workspace.best.reserve(kPiece) || !workspace.place.reserve(kPiece)) {
    return fail(Code::internal, "the system refused the memory for a map of classes");
  }
  const OutputKernels& kernels = output_kernels();
  float* const best = workspace.best.data();
  int32_t* const place = workspace.place.data();
  for (size_t cell = 0; cell < cells; cell += kPiece) {
    const size_t count = std::min(kPiece, cells - cell);
    const float* const from = scores + (is_last ? cell * classes : cell);
    const uint32_t bits = is_last
                              ? kernels.best_of_rows(from, classes, 0, classes, count, best)
                              : kernels.place_of_columns(from, cells, classes, count, best, place);
    if (bits >= kNotFinite) {
      fault->kind = MapFault::Kind::not_finite;
      return {};
    }
    for (size_t i = 0; i < count; i++) {
      if (is_last) {
        const float* const row = from + i * classes;
        map[cell + i] = static_cast<uint16_t>(std::find(row, row + classes, best[i]) - row);
      } else {
        map[cell + i] = static_cast<uint16_t>(place[i]);
      }
    }
  }
  return {};
}

template <typename Index>
Status classes_of_indices(const Index* indices, size_t classes, size_t cells, uint16_t* map,
                          MapFault* fault) {
  *fault = {};
  const Status status = check_classes(classes);
  if (!status.ok()) return status;
  bool is_wrong = false;
  for (size_t i = 0; i < cells; i++) {
    // Negative ones become huge.
    is_wrong |= static_cast<uint64_t>(indices[i]) >= classes;
    map[i] = static_cast<uint16_t>(indices[i]);
  }
  for (size_t i = 0; is_wrong && i < cells; i++) {
    if (static_cast<uint64_t>(indices[i]) < classes) continue;
    fault->kind = MapFault::Kind::no_class;
    fault->element = i;
    fault->value = static_cast<double>(indices[i]);
    break;
  }
  return {};
}

template Status classes_of_indices<uint8_t>(const uint8_t*, size_t, size_t, uint16_t*, MapFault*);
template Status classes_of_indices<int32_t>(const int32_t*, size_t, size_t, uint16_t*, MapFault*);
template Status classes_of_indices<int64_t>(const int64_t*, size_t, size_t, uint16_t*, MapFault*);

}  // namespace vedette
