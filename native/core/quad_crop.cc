#include "quad_crop.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vedette {
namespace {

constexpr double kFarthest = 1e6;
constexpr double kLeastSine = 0.01;

// Not std::hypot, whose symbol asks for glibc 2.35; corners lie within kFarthest, so squares fit.
double side(const Quad& quad, int from, int to) {
  const double width = quad.x[to] - quad.x[from];
  const double height = quad.y[to] - quad.y[from];
  return std::sqrt(width * width + height * height);
}

double least(const double* values) { return *std::min_element(values, values + 4); }
double most(const double* values) { return *std::max_element(values, values + 4); }

int whole_side(double one, double other) {
  const double length = std::nearbyint(std::max(one, other));
  return static_cast<int>(std::clamp(length, 1.0, 4 * kFarthest));
}

int pixel_at(double place, int count) {
  return static_cast<int>(std::clamp(std::floor(place), 0.0, static_cast<double>(count - 1)));
}

uint8_t mixed(const uint8_t* above, const uint8_t* below, int left, int right, double across,
              double down) {
  const double upper = above[left] + (above[right] - above[left]) * across;
  const double lower = below[left] + (below[right] - below[left]) * across;
  return static_cast<uint8_t>(std::floor(upper + (lower - upper) * down + 0.5));
}

// From an index, which may lie outside, to one that exists, counted from `first`.
int kept_inside(double index, int first, int count) {
  return static_cast<int>(std::clamp(index - first, 0.0, static_cast<double>(count - 1)));
}

Status copy_pixels(const PixelView& image, Orientation orientation, const Region& pixels,
                   int channels, Workspace& workspace) {
  Status status = workspace.rows.open(image, orientation, pixels, channels);
  if (!status.ok()) return status;
  const size_t row_bytes = static_cast<size_t>(pixels.width) * static_cast<size_t>(channels);
  const size_t bytes = row_bytes * static_cast<size_t>(pixels.height);
  if (!workspace.crop.reserve(bytes)) return out_of_memory(bytes);
  for (int y = 0; y < pixels.height; y++) {
    std::memcpy(workspace.crop.data() + row_bytes * static_cast<size_t>(y), workspace.rows.row(y),
                row_bytes);
  }
  return workspace.rows.fault();
}

}  // namespace

Status check_quad(const Quad& quad, int width, int height) {
  for (int i = 0; i < 4; i++) {
    if (!(std::fabs(quad.x[i]) <= kFarthest && std::fabs(quad.y[i]) <= kFarthest)) {
      return fail(Code::frame_invalid,
                  "corners of a quad must lie within %g pixels of the picture's, got %g, %g",
                  kFarthest, quad.x[i], quad.y[i]);
    }
  }
  for (int i = 0; i < 4; i++) {
    const int next = (i + 1) & 3;
    const int after = (i + 2) & 3;
    const double length = side(quad, i, next);
    if (!(length >= 1)) {
      return fail(Code::frame_invalid,
                  "each side of a quad must be at least 1 pixel long, corner %d to %d is %g", i,
                  next, length);
    }
    const double bend = (quad.x[next] - quad.x[i]) * (quad.y[after] - quad.y[next]) -
                        (quad.y[next] - quad.y[i]) * (quad.x[after] - quad.x[next]);
    if (!(bend >= kLeastSine * length * side(quad, next, after))) {
      return fail(Code::frame_invalid,
                  "the corners of a quad must go clockwise around a convex area; at %g, %g they do "
                  "not",
                  quad.x[next], quad.y[next]);
    }
  }
  if (most(quad.x) <= 0 || most(quad.y) <= 0 || least(quad.x) >= width || least(quad.y) >= height) {
    return fail(Code::frame_invalid, "the quad lies outside of the upright picture of %dx%d", width,
                height);
  }
  return {};
}

Region crop_of(const Quad& quad) {
  return {0, 0, whole_side(side(quad, 0, 1), side(quad, 3, 2)),
          whole_side(side(quad, 0, 3), side(quad, 1, 2))};
}

Region pixels_under(const Quad& quad, int width, int height) {
  // Samples lie half a pixel left of and above their place, and reach one pixel on; one more on each
  // side takes up what the homography's rounding may add.
  const int left = pixel_at(least(quad.x) - 1.5, width);
  const int top = pixel_at(least(quad.y) - 1.5, height);
  const int right = pixel_at(most(quad.x) + 1.5, width);
  const int bottom = pixel_at(most(quad.y) + 1.5, height);
  return {left, top, right - left + 1, bottom - top + 1};
}

void perspective_of(const Quad& quad, const Region& crop, double* matrix) {
  const double* const x = quad.x;
  const double* const y = quad.y;
  const double dx1 = x[1] - x[2];
  const double dx2 = x[3] - x[2];
  const double dy1 = y[1] - y[2];
  const double dy2 = y[3] - y[2];
  const double sx = x[0] - x[1] + x[2] - x[3];
  const double sy = y[0] - y[1] + y[2] - y[3];
  const double determinant = dx1 * dy2 - dx2 * dy1;
  const double g = (sx * dy2 - dx2 * sy) / determinant;
  const double h = (dx1 * sy - sx * dy1) / determinant;
  const double rows[3][3] = {{x[1] - x[0] + g * x[1], x[3] - x[0] + h * x[3], x[0]},
                             {y[1] - y[0] + g * y[1], y[3] - y[0] + h * y[3], y[0]},
                             {g, h, 1}};
  for (int row = 0; row < 3; row++) {
    matrix[row * 3] = rows[row][0] / crop.width;
    matrix[row * 3 + 1] = rows[row][1] / crop.height;
    matrix[row * 3 + 2] = rows[row][2];
  }
}

Status write_quad(const PixelView& image, Orientation orientation, const Quad& quad, const Fit& fit,
                  const Region& pixels, int channels, Workspace& workspace, TensorWriter& writer) {
  const size_t out_bytes = static_cast<size_t>(fit.x.count) * static_cast<size_t>(channels);
  if (!workspace.crop_row.reserve(out_bytes)) return out_of_memory(out_bytes);
  const Status status = copy_pixels(image, orientation, pixels, channels, workspace);
  if (!status.ok()) return status;
  const bool is_transposed = orientation.is_transposed();
  const int width = is_transposed ? image.height : image.width;
  const int height = is_transposed ? image.width : image.height;
  double matrix[9];
  perspective_of(quad, {0, 0, fit.x.source, fit.y.source}, matrix);
  const double scale_x = fit.x.source / static_cast<double>(fit.x.virtual_length);
  const double scale_y = fit.y.source / static_cast<double>(fit.y.virtual_length);
  const size_t row_bytes = static_cast<size_t>(pixels.width) * static_cast<size_t>(channels);
  uint8_t* const row = workspace.crop_row.data();
  for (int v = 0; v < fit.y.count; v++) {
    const double y = (static_cast<double>(fit.y.first + v) + 0.5) * scale_y;
    for (int u = 0; u < fit.x.count; u++) {
      const double x = (static_cast<double>(fit.x.first + u) + 0.5) * scale_x;
      const double w = matrix[6] * x + matrix[7] * y + 1;
      const double at_x = std::clamp((matrix[0] * x + matrix[1] * y + matrix[2]) / w - 0.5, 0.0,
                                     static_cast<double>(width - 1));
      const double at_y = std::clamp((matrix[3] * x + matrix[4] * y + matrix[5]) / w - 0.5, 0.0,
                                     static_cast<double>(height - 1));
      const double column = std::floor(at_x);
      const double line = std::floor(at_y);
      const int left = kept_inside(column, pixels.x, pixels.width) * channels;
      const int right = kept_inside(column + 1, pixels.x, pixels.width) * channels;
      const size_t top = static_cast<size_t>(kept_inside(line, pixels.y, pixels.height));
      const size_t bottom = static_cast<size_t>(kept_inside(line + 1, pixels.y, pixels.height));
      const uint8_t* const above = workspace.crop.data() + row_bytes * top;
      const uint8_t* const below = workspace.crop.data() + row_bytes * bottom;
      for (int c = 0; c < channels; c++) {
        row[u * channels + c] =
            mixed(above + c, below + c, left, right, at_x - column, at_y - line);
      }
    }
    writer.write_row(v, row, channels);
  }
  return {};
}

}  // namespace vedette
