#include "mask_areas.h"

#include <algorithm>
#include <cstring>

namespace vedette {
namespace {

Status refused_memory() {
  return fail(Code::internal, "the system refused the memory for the areas of a mask");
}

// The first place from `at` on whose cell is another than `value`.
template <typename Cell>
size_t end_of_equal(const Cell* row, size_t at, size_t end, Cell value) {
  constexpr size_t kCells = sizeof(uint64_t) / sizeof(Cell);
  Cell pattern[kCells];
  for (Cell& cell : pattern) cell = value;
  while (at + kCells <= end && std::memcmp(row + at, pattern, sizeof pattern) == 0) at += kCells;
  while (at < end && row[at] == value) at++;
  return at;
}

template <typename Cell>
class Finder {
 public:
  Finder(const Cell* cells, size_t width, const CellBox& within, Cell background,
         AreaWorkspace& workspace)
      : cells_(cells),
        width_(width),
        within_(within),
        background_(background),
        workspace_(workspace) {}

  // False when memory is refused.
  bool find_runs() {
    size_t above = 0;
    for (size_t row = within_.y; row < within_.y + within_.height; row++) {
      const size_t first = count_;
      if (!add_row(row)) return false;
      join_rows(above, first);
      above = first;
    }
    settle();
    return true;
  }

  Status list(const AreaLimits& limits, NumberList* out) {
    uint32_t* const order = workspace_.order.data();
    size_t areas = 0, cells = 0;
    for (size_t i = 0; i < count_; i++) {
      const CellRun& run = runs()[i];
      if (run.first_run != i || static_cast<double>(run.cells) < limits.min_cells) continue;
      order[areas++] = static_cast<uint32_t>(i);
      cells += run.cells;
    }
    const size_t listed = std::min(areas, limits.max_areas);
    std::partial_sort(order, order + listed, order + areas, [this](uint32_t a, uint32_t b) {
      return runs()[a].cells != runs()[b].cells ? runs()[a].cells > runs()[b].cells : a < b;
    });
    bool is_kept =
        out->push(static_cast<int32_t>(cells)) && out->push(static_cast<int32_t>(listed));
    for (size_t i = 0; i < listed && is_kept; i++) is_kept = list_area(runs()[order[i]], out);
    if (is_kept) return {};
    if (!out->is_full()) return refused_memory();
    return fail(Code::tensor_invalid,
                "the contours take more than %zu numbers: raise minCells or lower maxAreas",
                NumberList::kMost);
  }

  size_t count() const { return count_; }

 private:
  CellRun* runs() { return workspace_.runs.data(); }

  Cell at(size_t x, size_t y) const { return cells_[y * width_ + x]; }

  bool add_row(size_t row) {
    // At most one run for each cell.
    if (count_ + within_.width > workspace_.runs.capacity() && !grow()) return false;
    const Cell* const cells = cells_ + row * width_;
    const size_t end = within_.x + within_.width;
    for (size_t x = within_.x; x < end;) {
      x = end_of_equal(cells, x, end, background_);
      if (x == end) break;
      const size_t stop = end_of_equal(cells, x, end, cells[x]);
      runs()[count_] = {static_cast<uint32_t>(x), static_cast<uint32_t>(stop),
                        static_cast<uint32_t>(row), static_cast<uint32_t>(count_), 0};
      count_++;
      x = stop;
    }
    return true;
  }

  bool grow() {
    Buffer<CellRun> larger;
    if (!larger.reserve(std::max(count_ + within_.width, workspace_.runs.capacity() * 2))) {
      return false;
    }
    if (count_ > 0) std::memcpy(larger.data(), runs(), count_ * sizeof(CellRun));
    workspace_.runs = std::move(larger);
    return true;
  }

  uint32_t first_of(uint32_t run) {
    while (runs()[run].first_run != run) {
      runs()[run].first_run = runs()[runs()[run].first_run].first_run;
      run = runs()[run].first_run;
    }
    return run;
  }

  // Runs from `above` to `below` lie in one row, those from there on in the next.
  void join_rows(size_t above, size_t below) {
    size_t start = above;
    for (size_t i = below; i < count_; i++) {
      const CellRun& run = runs()[i];
      while (start < below && runs()[start].end < run.start) start++;
      for (size_t j = start; j < below && runs()[j].start <= run.end; j++) {
        const CellRun& upper = runs()[j];
        if (at(upper.start, upper.row) != at(run.start, run.row)) continue;
        const uint32_t a = first_of(static_cast<uint32_t>(i));
        const uint32_t b = first_of(static_cast<uint32_t>(j));
        runs()[std::max(a, b)].first_run = std::min(a, b);
      }
    }
  }

  void settle() {
    for (size_t i = 0; i < count_; i++) {
      const uint32_t first = first_of(static_cast<uint32_t>(i));
      runs()[i].first_run = first;
      runs()[first].cells += runs()[i].end - runs()[i].start;
    }
  }

  bool is_inside(int64_t x, int64_t y, Cell value) const {
    const int64_t left = static_cast<int64_t>(within_.x), top = static_cast<int64_t>(within_.y);
    return x >= left && y >= top && x < left + static_cast<int64_t>(within_.width) &&
           y < top + static_cast<int64_t>(within_.height) &&
           at(static_cast<size_t>(x), static_cast<size_t>(y)) == value;
  }

  // Cells at a corner of the contour touch the area's cell behind it: of the same value, they belong
  // to it. Turning left whenever the cell ahead on the left belongs to the area keeps cells that touch
  // at a corner together.
  bool list_area(const CellRun& first, NumberList* out) {
    struct Step {
      int dx, dy, right_x, right_y, left_x, left_y;
    };
    // East, south, west, north; and the cells ahead on the right and on the left of a corner.
    static constexpr Step kSteps[4] = {
        {1, 0, 0, 0, 0, -1}, {0, 1, -1, 0, 0, 0}, {-1, 0, -1, -1, -1, 0}, {0, -1, 0, -1, -1, -1}};
    const Cell value = at(first.start, first.row);
    int64_t x = first.start, y = first.row;
    const int64_t start_x = x, start_y = y;
    const size_t count_at = out->size() + 2;
    bool is_kept = out->push(static_cast<int32_t>(value)) &&
                   out->push(static_cast<int32_t>(first.cells)) && out->push(1) &&
                   out->push(static_cast<int32_t>(x)) && out->push(static_cast<int32_t>(y));
    for (int heading = 0; is_kept;) {
      const Step& step = kSteps[heading];
      x += step.dx;
      y += step.dy;
      if (x == start_x && y == start_y) return true;
      if (is_inside(x + step.left_x, y + step.left_y, value)) {
        heading = (heading + 3) % 4;
      } else if (is_inside(x + step.right_x, y + step.right_y, value)) {
        continue;
      } else {
        heading = (heading + 1) % 4;
      }
      is_kept = out->push(static_cast<int32_t>(x)) && out->push(static_cast<int32_t>(y));
      (*out)[count_at]++;
    }
    return false;
  }

  const Cell* cells_;
  size_t width_;
  CellBox within_;
  Cell background_;
  AreaWorkspace& workspace_;
  size_t count_ = 0;
};

}  // namespace

Status check_grid(size_t width, size_t height, size_t count, const CellBox& within) {
  if (width < 1 || height < 1 || width > kMaxGridSide || height > kMaxGridSide ||
      width * height > kMaxCells) {
    return fail(Code::tensor_invalid, "a grid of 1 x 1 to %zu x %zu cells expected, got %zu x %zu",
                kMaxGridSide, kMaxGridSide, width, height);
  }
  if (width * height != count) {
    return fail(Code::tensor_invalid, "%zu cells came for a grid of %zu x %zu", count, width,
                height);
  }
  if (within.x > width || within.width > width - within.x || within.y > height ||
      within.height > height - within.y) {
    return fail(Code::tensor_invalid, "the box %zu, %zu, %zu x %zu leaves the grid of %zu x %zu",
                within.x, within.y, within.width, within.height, width, height);
  }
  return {};
}

template <typename Cell>
Status list_areas(const Cell* cells, size_t width, size_t height, const CellBox& within,
                  Cell background, const AreaLimits& limits, AreaWorkspace& workspace,
                  NumberList* list) {
  const Status status = check_grid(width, height, width * height, within);
  if (!status.ok()) return status;
  Finder<Cell> finder(cells, width, within, background, workspace);
  if (!finder.find_runs() || !workspace.order.reserve(finder.count())) return refused_memory();
  return finder.list(limits, list);
}

template Status list_areas<uint8_t>(const uint8_t*, size_t, size_t, const CellBox&, uint8_t,
                                    const AreaLimits&, AreaWorkspace&, NumberList*);
template Status list_areas<uint16_t>(const uint16_t*, size_t, size_t, const CellBox&, uint16_t,
                                     const AreaLimits&, AreaWorkspace&, NumberList*);

}  // namespace vedette
