#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "../core/class_map.h"
#include "../core/instance_masks.h"
#include "../core/output_kernels.h"
#include "../core/row_kernels.h"
#include "check.h"
#include "exact_memory.h"
#include "random_frame.h"

using namespace vedette;
using random_frame::Random;

namespace {

std::vector<int32_t> numbers_of(NumberList& list) {
  return std::vector<int32_t>(list.data(), list.data() + list.size());
}

float random_float(Random& random) { return static_cast<float>(random.below(2001) - 1000) / 500; }

std::vector<float> random_floats(Random& random, size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = random_float(random);
  values.shrink_to_fit();
  return values;
}

// What `made` gives with every kernel is what it gives with the scalar one.
template <typename Make>
void same_with_every_kernel(Make make) {
  std::vector<int32_t> right;
  for (int i = 0; available_row_kernels(i) != nullptr; i++) {
    CHECK(choose_row_kernels(available_row_kernels(i)->name).ok());
    const std::vector<int32_t> numbers = make();
    if (i == 0) right = numbers;
    CHECK(numbers == right);
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

CellBox random_box(Random& random, size_t width, size_t height) {
  const auto part = [&random](size_t most) {
    return static_cast<size_t>(random.below(static_cast<int>(most) + 1));
  };
  const size_t x = part(width), y = part(height);
  if (random.below(2) == 0) return {0, 0, width, height};
  return {x, y, part(width - x), part(height - y)};
}

}  // namespace

TEST("every kernel gives the classes of the scalar one") {
  Random random(21);
  for (int run = 0; run < 200; run++) {
    const size_t cells = static_cast<size_t>(1 + random.below(run % 10 == 0 ? 5000 : 300));
    const size_t classes = static_cast<size_t>(1 + random.below(30));
    const bool is_last = random.below(2) == 1;
    const std::vector<float> scores = random_floats(random, cells * classes);
    same_with_every_kernel([&] {
      ClassMapWorkspace workspace;
      std::vector<uint16_t> map(cells);
      MapFault fault;
      CHECK(classes_of_scores(scores.data(), classes, cells, is_last, workspace, map.data(), &fault)
                .ok());
      CHECK(fault.kind == MapFault::Kind::none);
      return std::vector<int32_t>(map.begin(), map.end());
    });
  }
}

TEST("every kernel assembles the masks of the scalar one") {
  Random random(22);
  size_t areas = 0;
  for (int run = 0; run < 200; run++) {
    Prototypes prototypes;
    prototypes.channels = static_cast<size_t>(1 + random.below(34));
    prototypes.width = static_cast<size_t>(1 + random.below(50));
    prototypes.height = static_cast<size_t>(1 + random.below(50));
    const std::vector<float> values =
        random_floats(random, prototypes.channels * prototypes.width * prototypes.height);
    prototypes.values = values.data();
    MaskInput input;
    input.width = static_cast<size_t>(1 + random.below(200));
    input.height = static_cast<size_t>(1 + random.below(200));
    input.within = random_box(random, input.width, input.height);
    CHECK(check_prototypes(prototypes, values.size(), input).ok());
    const std::vector<float> coefficients = random_floats(random, prototypes.channels);
    float box[4];
    for (float& corner : box) corner = random_float(random) * 150;
    if (random.below(10) == 0) box[random.below(4)] = std::numeric_limits<float>::infinity();
    if (random.below(10) == 0) box[random.below(4)] = std::numeric_limits<float>::quiet_NaN();
    same_with_every_kernel([&] {
      MaskWorkspace workspace;
      NumberList list;
      CHECK(list_mask_areas(prototypes, input, box, coefficients.data(), {1, 100}, workspace, &list)
                .ok());
      areas += static_cast<size_t>(list[1]);
      return numbers_of(list);
    });
  }
  CHECK(areas > 100);
}

TEST("areas of every grid lie inside their box") {
  Random random(23);
  for (int run = 0; run < 400; run++) {
    const size_t width = static_cast<size_t>(1 + random.below(70));
    const size_t height = static_cast<size_t>(1 + random.below(70));
    const CellBox within = random_box(random, width, height);
    ExactMemory cells(width * height * sizeof(uint16_t));
    uint16_t* const map = reinterpret_cast<uint16_t*>(cells.data());
    const int classes = 1 + random.below(4);
    for (size_t i = 0; i < width * height; i++) {
      map[i] = static_cast<uint16_t>(random.below(classes));
    }
    AreaWorkspace workspace;
    NumberList list;
    CHECK(list_areas<uint16_t>(map, width, height, within, 0, {1, 1000000}, workspace, &list).ok());
    int32_t sum = 0;
    size_t at = 2;
    for (int32_t area = 0; area < list[1]; area++) {
      CHECK(list[at] > 0);
      sum += list[at + 1];
      const int32_t corners = list[at + 2];
      CHECK(corners >= 4);
      at += 3;
      for (int32_t corner = 0; corner < corners; corner++, at += 2) {
        CHECK(list[at] >= static_cast<int32_t>(within.x));
        CHECK(list[at] <= static_cast<int32_t>(within.x + within.width));
        CHECK(list[at + 1] >= static_cast<int32_t>(within.y));
        CHECK(list[at + 1] <= static_cast<int32_t>(within.y + within.height));
      }
    }
    CHECK(at == list.size());
    CHECK(sum == list[0]);
  }
}

TEST("grids and prototypes whose numbers do not fit together are refused") {
  const size_t huge[] = {0, 65536, size_t{1} << 32, SIZE_MAX, SIZE_MAX / 2 + 1};
  CHECK(check_grid(4, 5, 20, {0, 0, 4, 5}).ok());
  for (const size_t size : huge) {
    CHECK(!check_grid(size, 5, 20, {}).ok());
    CHECK(!check_grid(4, size, 20, {}).ok());
    CHECK(!check_grid(4, 5, size, {}).ok());
    if (size == 0) continue;
    CHECK(!check_grid(4, 5, 20, {size, 0, 1, 1}).ok());
    CHECK(!check_grid(4, 5, 20, {1, 1, 1, size}).ok());
    CHECK(!check_grid(4, 5, 20, {1, 1, size, 1}).ok());
  }
  CHECK(!check_grid(65535, 65535, size_t{65535} * 65535, {}).ok());
  const MaskInput input = {8, 8, {0, 0, 8, 8}};
  CHECK(check_prototypes({nullptr, 3, 2, 2}, 12, input).ok());
  for (const size_t size : huge) {
    CHECK(!check_prototypes({nullptr, size, 2, 2}, 12, input).ok());
    CHECK(!check_prototypes({nullptr, 3, size, 2}, 12, input).ok());
    CHECK(!check_prototypes({nullptr, 3, 2, size}, 12, input).ok());
    CHECK(!check_prototypes({nullptr, 3, 2, 2}, 12, {size, 8, {}}).ok());
  }
}
