#include "instance_masks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "output_kernels.h"

namespace vedette {
namespace {

// Whole numbers from `first` up to, not including, `end`.
struct Span {
  int64_t first = 0;
  int64_t end = 0;
  int64_t length() const { return std::max<int64_t>(0, end - first); }
};

int64_t whole(float value, size_t most) {
  const float up = std::ceil(value);
  if (!(up > 0)) return 0;
  return up < static_cast<float>(most) ? static_cast<int64_t>(up) : static_cast<int64_t>(most);
}

// Cells i with low <= i < high.
Span cells_between(float low, float high, size_t cells) {
  return {whole(low, cells), whole(high, cells)};
}

// Pixels that may see a cell of the span when it is enlarged, and `within`.
Span pixels_of(const Span& cells, double scale, size_t start, size_t length) {
  const double first = std::floor((static_cast<double>(cells.first) - 0.5) / scale - 0.5) - 1;
  const double end = std::ceil((static_cast<double>(cells.end) + 0.5) / scale - 0.5) + 1;
  const double low = static_cast<double>(start), high = static_cast<double>(start + length);
  return {static_cast<int64_t>(std::min(std::max(first, low), high)),
          static_cast<int64_t>(std::max(std::min(end, high), low))};
}

struct Tap {
  int64_t near;
  int64_t far;
  float weight;
};

// PyTorch's upsample_bilinear2d, align_corners false.
Tap tap_of(int64_t pixel, float scale, size_t cells) {
  const float place = std::max(0.0f, (static_cast<float>(pixel) + 0.5f) * scale - 0.5f);
  const int64_t last = static_cast<int64_t>(cells) - 1;
  const int64_t near = std::min(static_cast<int64_t>(place), last);
  return {near, std::min(near + 1, last), place - static_cast<float>(near)};
}

class Assembly {
 public:
  Assembly(const Prototypes& prototypes, const float* coefficients, Span columns, Span rows,
           MaskWorkspace& workspace)
      : prototypes_(prototypes),
        coefficients_(coefficients),
        columns_(columns),
        rows_(rows),
        workspace_(workspace) {}

  bool reserve(size_t pixels) {
    // Cells outside of the box are 0: one on each side stands for them.
    logits_length_ = static_cast<size_t>(columns_.length()) + 2;
    pixels_ = pixels;
    const bool has_memory = workspace_.lines.reserve(logits_length_ + 2 * pixels) &&
                            workspace_.taps.reserve(2 * pixels) &&
                            workspace_.weights.reserve(pixels);
    if (has_memory) std::memset(logits(), 0, logits_length_ * sizeof(float));
    return has_memory;
  }

  void place_columns(int64_t first_pixel, float scale) {
    for (size_t i = 0; i < pixels_; i++) {
      const Tap tap = tap_of(first_pixel + static_cast<int64_t>(i), scale, prototypes_.width);
      near()[i] = place_of(tap.near);
      far()[i] = place_of(tap.far);
      workspace_.weights[i] = tap.weight;
    }
  }

  // A row of pixels of the mask.
  void write(const Tap& tap, uint8_t* mask) {
    const float* const upper = line_of(tap.near);
    const float* const lower = line_of(tap.far);
    kernels_.blend_to_mask(upper, lower, tap.weight, pixels_, mask);
  }

 private:
  float* logits() { return workspace_.lines.data(); }
  int32_t* near() { return workspace_.taps.data(); }
  int32_t* far() { return near() + pixels_; }

  int32_t place_of(int64_t column) const {
    const int64_t place =
        std::min(std::max(column - columns_.first, int64_t{-1}), columns_.length());
    return static_cast<int32_t>(place + 1);
  }

  // A row of cells, enlarged. The last two are kept, the odd and the even one.
  const float* line_of(int64_t row) {
    float* const line = logits() + logits_length_ + static_cast<size_t>(row & 1) * pixels_;
    if (kept_[row & 1] == row) return line;
    kept_[row & 1] = row;
    if (row < rows_.first || row >= rows_.end) {
      std::memset(line, 0, pixels_ * sizeof(float));
      return line;
    }
    const size_t start =
        static_cast<size_t>(row) * prototypes_.width + static_cast<size_t>(columns_.first);
    kernels_.sum_rows(prototypes_.values + start, prototypes_.width * prototypes_.height,
                      coefficients_, prototypes_.channels, static_cast<size_t>(columns_.length()),
                      logits() + 1);
    kernels_.stretch_line(logits(), near(), far(), workspace_.weights.data(), pixels_, line);
    return line;
  }

  const Prototypes& prototypes_;
  const float* coefficients_;
  Span columns_;
  Span rows_;
  MaskWorkspace& workspace_;
  const OutputKernels& kernels_ = output_kernels();
  size_t logits_length_ = 0;
  size_t pixels_ = 0;
  int64_t kept_[2] = {-1, -1};
};

// Contours of a part of the input, as if they were of the whole. From `at` on the list holds areas.
void move_contours(NumberList& list, size_t at, int32_t dx, int32_t dy) {
  const int32_t areas = list[at + 1];
  size_t place = at + 2;
  for (int32_t area = 0; area < areas; area++) {
    const int32_t corners = list[place + 2];
    place += 3;
    for (int32_t corner = 0; corner < corners; corner++) {
      list[place++] += dx;
      list[place++] += dy;
    }
  }
}

}  // namespace

Status check_prototypes(const Prototypes& prototypes, size_t count, const MaskInput& input) {
  size_t cells = 0, elements = 0;
  const bool is_grid = prototypes.width >= 1 && prototypes.height >= 1 &&
                       prototypes.width <= kMaxGridSide && prototypes.height <= kMaxGridSide;
  cells = is_grid ? prototypes.width * prototypes.height : 0;
  if (!is_grid || prototypes.channels < 1 || !multiply(prototypes.channels, cells, &elements) ||
      elements != count) {
    return fail(Code::tensor_invalid, "%zu values came for prototypes [%zu, %zu, %zu]", count,
                prototypes.channels, prototypes.height, prototypes.width);
  }
  return check_grid(input.width, input.height, input.width * input.height, input.within);
}

Status list_mask_areas(const Prototypes& prototypes, const MaskInput& input, const float* box,
                       const float* coefficients, const AreaLimits& limits,
                       MaskWorkspace& workspace, NumberList* list) {
  const float to_cells_x = static_cast<float>(prototypes.width) / static_cast<float>(input.width);
  const float to_cells_y = static_cast<float>(prototypes.height) / static_cast<float>(input.height);
  const Span columns = cells_between(box[0] * to_cells_x, box[2] * to_cells_x, prototypes.width);
  const Span rows = cells_between(box[1] * to_cells_y, box[3] * to_cells_y, prototypes.height);
  const CellBox& within = input.within;
  const Span across = pixels_of(columns, to_cells_x, within.x, within.width);
  const Span down = pixels_of(rows, to_cells_y, within.y, within.height);
  const size_t width = static_cast<size_t>(across.length());
  const size_t height = static_cast<size_t>(down.length());
  if (columns.length() == 0 || rows.length() == 0 || width == 0 || height == 0) {
    const bool is_kept = list->push(0) && list->push(0);
    return is_kept ? Status{} : fail(Code::internal, "the system refused the memory for masks");
  }
  Assembly assembly(prototypes, coefficients, columns, rows, workspace);
  if (!assembly.reserve(width) || !workspace.mask.reserve(width * height)) {
    return fail(Code::internal, "the system refused the memory for masks");
  }
  assembly.place_columns(across.first, to_cells_x);
  for (size_t y = 0; y < height; y++) {
    const Tap tap = tap_of(down.first + static_cast<int64_t>(y), to_cells_y, prototypes.height);
    assembly.write(tap, workspace.mask.data() + y * width);
  }
  const size_t at = list->size();
  const Status status =
      list_areas<uint8_t>(workspace.mask.data(), width, height, {0, 0, width, height}, 0, limits,
                          workspace.areas, list);
  if (status.ok()) {
    move_contours(*list, at, static_cast<int32_t>(across.first), static_cast<int32_t>(down.first));
  }
  return status;
}

}  // namespace vedette
