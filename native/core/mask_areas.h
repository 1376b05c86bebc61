#pragma once
#include "buffer.h"
#include "number_list.h"
#include "status.h"

// Connected areas of a grid of cells, and their outlines.

namespace vedette {

constexpr size_t kMaxGridSide = 65535;
constexpr size_t kMaxCells = size_t{1} << 30;

struct CellBox {
  size_t x = 0;
  size_t y = 0;
  size_t width = 0;
  size_t height = 0;
};

struct AreaLimits {
  // Smaller areas are left out.
  double min_cells = 1;
  // Only so many, the largest, are outlined and listed.
  size_t max_areas = 0;
};

// Cells of one row with the same value.
struct CellRun {
  uint32_t start;
  uint32_t end;
  uint32_t row;
  // Of the area that it belongs to, or leads there: never behind the run itself.
  uint32_t first_run;
  // Of the whole area, in its first run.
  uint32_t cells;
};

struct AreaWorkspace {
  Buffer<CellRun> runs;
  Buffer<uint32_t> order;
};

// TENSOR_INVALID unless there are width * height cells, and the box, which may be empty, lies inside.
Status check_grid(size_t width, size_t height, size_t count, const CellBox& within);

// Areas of cells inside `within` that touch with an edge or a corner and have the same value, other
// than `background`; largest first, equal ones in reading order of their first cells. Appended to
// `list`: the cells of all areas together, how many are listed, and for each its value, its cells, how
// many corners its outer contour has, and x and y of each. The contour follows the edges of cells, with
// the area on its right, from the top left corner of the first cell: it encloses the area and its holes.
template <typename Cell>
Status list_areas(const Cell* cells, size_t width, size_t height, const CellBox& within,
                  Cell background, const AreaLimits& limits, AreaWorkspace& workspace,
                  NumberList* list);

}  // namespace vedette
