#include "../core/level_tables.h"

#include <cmath>
#include <cstring>
#include <random>

#include "../core/row_kernels.h"
#include "check.h"
#include "exact_memory.h"

using namespace vedette;

namespace {

// What the bits of a half stand for, IEEE 754 binary16.
double half_value(int bits) {
  const int exponent = bits >> 10 & 0x1f;
  const int fraction = bits & 0x3ff;
  const double size =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

LevelTable table_of(Dtype dtype, double scale, double mean, double std) {
  TensorSpec spec;
  spec.width = spec.height = 1;
  spec.colour_order = ColourOrder::gray;
  spec.dtype = dtype;
  spec.is_quantised = dtype == Dtype::int8;
  spec.scale = scale;
  spec.mean[0] = mean;
  spec.std[0] = std;
  CHECK(check_spec(spec).ok());
  LevelTables tables;
  tables.prepare(spec);
  return tables.channel(0);
}

}  // namespace

TEST(
    "every finite half is itself, and what lies between two goes to the nearer, a middle to the "
    "even") {
  for (int sign = 0; sign <= 0x8000; sign += 0x8000) {
    for (int bits = 0; bits < 0x7bff; bits++) {
      const float low = static_cast<float>(half_value(sign | bits));
      const float high = static_cast<float>(half_value(sign | (bits + 1)));
      const float middle = low + (high - low) / 2;
      CHECK(half_of(low) == (sign | bits));
      CHECK(half_of(middle) == (sign | (bits + (bits & 1))));
      CHECK(half_of(std::nextafter(middle, low)) == (sign | bits));
      CHECK(half_of(std::nextafter(middle, high)) == (sign | (bits + 1)));
    }
  }
}

TEST("halves end at 65504: from 65520 on they are infinite") {
  CHECK(half_of(65504) == 0x7bff);
  CHECK(half_of(std::nextafter(65520.0f, 0.0f)) == 0x7bff);
  CHECK(half_of(65520) == 0x7c00);
  CHECK(half_of(-65520) == 0xfc00);
  CHECK(half_of(1e30f) == 0x7c00);
  CHECK(half_of(INFINITY) == 0x7c00);
  CHECK(half_of(NAN) == 0x7e00);
  CHECK(half_of(0.0f) == 0);
  CHECK(half_of(-0.0f) == 0x8000);
}

TEST("quantising rounds halves to even, adds the zero point and saturates") {
  const Quantisation plain{2, 0};
  CHECK(quantised(1, plain, Dtype::uint8) == 0);
  CHECK(quantised(3, plain, Dtype::uint8) == 2);
  CHECK(quantised(5, plain, Dtype::uint8) == 2);
  CHECK(quantised(-5, plain, Dtype::int8) == static_cast<uint8_t>(-2));
  CHECK(quantised(1e9f, plain, Dtype::uint8) == 255);
  CHECK(quantised(-1, plain, Dtype::uint8) == 0);
  CHECK(quantised(1e9f, plain, Dtype::int8) == 127);
  CHECK(quantised(-1e9f, plain, Dtype::int8) == 0x80);
  const Quantisation shifted{1, -128};
  CHECK(quantised(0, shifted, Dtype::int8) == 0x80);
  CHECK(quantised(255, shifted, Dtype::int8) == 127);
  CHECK(quantised(300, shifted, Dtype::int8) == 127);
  // The quotient is infinite as a float32.
  CHECK(quantised(3e38f, {1e-37, 5}, Dtype::uint8) == 255);
  CHECK(quantised(-3e38f, {1e-37, 5}, Dtype::uint8) == 0);
}

TEST("every kernel gives the scalar halves and codes of every level, at every length and place") {
  std::mt19937 random(3);
  for (int run = 0; run < 300; run++) {
    const double std = (1 + static_cast<int>(random() % 1000)) / 1000.0;
    LevelTable table = table_of(Dtype::float16, 1 / 255.0, 0.4, random() % 2 == 0 ? std : -std);
    // Codes of no order at all: a kernel must not count on a straight line.
    for (uint8_t& code : table.codes) code = static_cast<uint8_t>(random());
    const int count = static_cast<int>(random() % 300);
    ExactMemory levels(static_cast<size_t>(count) * 3 + 1);
    for (size_t i = 0; i < levels.size(); i++) {
      levels.data()[i] = static_cast<uint8_t>(run < 2 ? i : random());
    }
    for (int kernel = 0; available_row_kernels(kernel) != nullptr; kernel++) {
      const RowKernels& kernels = *available_row_kernels(kernel);
      for (const int step : {1, 3}) {
        ExactMemory halves(static_cast<size_t>(count) * 2);
        uint16_t* const out = reinterpret_cast<uint16_t*>(halves.data());
        kernels.halve_row(table, levels.data(), step, count, out);
        for (int i = 0; i < count; i++) CHECK(out[i] == table.halves[levels.data()[i * step]]);
      }
      ExactMemory codes(static_cast<size_t>(count));
      if (count > 0) std::memcpy(codes.data(), levels.data(), codes.size());
      kernels.encode_row(table, count, codes.data());
      for (int i = 0; i < count; i++) CHECK(codes.data()[i] == table.codes[levels.data()[i]]);
    }
  }
}

TEST("specifications whose values do not fit are refused") {
  TensorSpec spec;
  spec.width = spec.height = 1;
  spec.dtype = Dtype::float16;
  spec.scale = 65519 / 255.0;
  CHECK(check_spec(spec).ok());
  spec.scale = 65521 / 255.0;
  CHECK(!check_spec(spec).ok());
  spec.dtype = Dtype::float32;
  CHECK(check_spec(spec).ok());
  spec.std[2] = 1e-38;
  CHECK(!check_spec(spec).ok());

  TensorSpec bytes;
  bytes.width = bytes.height = 1;
  bytes.dtype = Dtype::int8;
  CHECK(!check_spec(bytes).ok());
  bytes.is_quantised = true;
  CHECK(check_spec(bytes).ok());
  for (const double scale :
       std::initializer_list<double>{0, -1.0, NAN, INFINITY, 1e-46, 1e-39, 1e39}) {
    bytes.quantisation = {scale, 0};
    CHECK(!check_spec(bytes).ok());
  }
  for (const double zero_point : std::initializer_list<double>{-129, 128, 0.5, NAN, INFINITY}) {
    bytes.quantisation = {1, zero_point};
    CHECK(!check_spec(bytes).ok());
  }
  bytes.quantisation = {1, -128};
  CHECK(check_spec(bytes).ok());
  bytes.dtype = Dtype::uint8;
  CHECK(!check_spec(bytes).ok());
  bytes.quantisation = {1, 255};
  CHECK(check_spec(bytes).ok());
  bytes.dtype = Dtype::float16;
  CHECK(!check_spec(bytes).ok());
}

TEST("tables are made again when any part of what they depend on changes") {
  LevelTables tables;
  TensorSpec spec;
  spec.width = spec.height = 1;
  spec.dtype = Dtype::int8;
  spec.is_quantised = true;
  const auto code = [&] {
    tables.prepare(spec);
    return tables.channel(2).codes[100];
  };
  CHECK(code() == 100);
  spec.scale = 0.5;
  CHECK(code() == 50);
  spec.std[2] = 5;
  CHECK(code() == 10);
  spec.mean[2] = 10;
  CHECK(code() == 8);
  spec.quantisation.scale = 2;
  CHECK(code() == 4);
  spec.quantisation.zero_point = 3;
  CHECK(code() == 7);
  spec.dtype = Dtype::uint8;
  spec.mean[2] = 100;
  CHECK(code() == 0);
  spec.dtype = Dtype::int8;
  CHECK(code() == static_cast<uint8_t>(-2));
}
