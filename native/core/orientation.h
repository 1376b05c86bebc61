#pragma once
#include "status.h"

namespace vedette {

// An element of the eight symmetries of a rectangle: first `turns` clockwise quarter turns, then a
// horizontal mirror. Makes a stored picture upright.
struct Orientation {
  int turns = 0;
  bool is_mirrored = false;

  bool is_transposed() const { return (turns & 1) != 0; }
};

// `first`, then `second`.
inline Orientation compose(Orientation first, Orientation second) {
  const int turns = first.is_mirrored ? first.turns - second.turns : first.turns + second.turns;
  return {turns & 3, first.is_mirrored != second.is_mirrored};
}

inline Orientation mirrored_vertically() { return {2, true}; }

// EXIF orientation 1 to 8 (TIFF 6.0, tag 274); anything else counts as 1.
inline Orientation orientation_from_exif(int value) {
  static const Orientation table[9] = {{0, false}, {0, false}, {0, true}, {2, false}, {2, true},
                                       {1, true},  {1, false}, {3, true}, {3, false}};
  return table[value >= 1 && value <= 8 ? value : 1];
}

// Where upright pixel (u, v) lies in the stored picture: x = x0 + u*xu + v*xv, y likewise.
struct PixelMap {
  int x0, xu, xv;
  int y0, yu, yv;
};

inline PixelMap upright_to_stored(Orientation orientation, int stored_width, int stored_height) {
  const int w = stored_width - 1;
  const int h = stored_height - 1;
  PixelMap map{};
  switch (orientation.turns & 3) {
    case 0: map = {0, 1, 0, 0, 0, 1}; break;
    case 1: map = {0, 0, 1, h, -1, 0}; break;
    case 2: map = {w, -1, 0, h, 0, -1}; break;
    default: map = {w, 0, -1, 0, 1, 0}; break;
  }
  if (orientation.is_mirrored) {
    const int last = orientation.is_transposed() ? h : w;
    map.x0 += map.xu * last;
    map.y0 += map.yu * last;
    map.xu = -map.xu;
    map.yu = -map.yu;
  }
  return map;
}

}  // namespace vedette
