#include "gather_tables.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cstring>
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,f16c")
#endif

#include "row_loops.h"

namespace vedette {
namespace {

struct Lanes {
  using Vector = __m256i;
  static constexpr int kCount = 16;

  static Vector all(int value) { return _mm256_set1_epi16(static_cast<int16_t>(value)); }
  static Vector load(const int16_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const Vector*>(from));
  }
  static void store(int16_t* to, Vector v) {
    _mm256_storeu_si256(reinterpret_cast<Vector*>(to), v);
  }
  // Two bytes for each lane, and one.
  static Vector load_pairs(const uint8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const Vector*>(from));
  }
  static Vector load_bytes(const uint8_t* from) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  // Lanes of both in turns.
  static void store_pairs(int16_t* to, Vector left, Vector right) {
    const Vector low = _mm256_unpacklo_epi16(left, right);
    const Vector high = _mm256_unpackhi_epi16(left, right);
    store(to, _mm256_permute2x128_si256(low, high, 0x20));
    store(to + kCount, _mm256_permute2x128_si256(low, high, 0x31));
  }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi16(a, b); }
  static Vector add_saturated(Vector a, Vector b) { return _mm256_adds_epi16(a, b); }
  static Vector subtract(Vector a, Vector b) { return _mm256_sub_epi16(a, b); }
  static Vector min(Vector a, Vector b) { return _mm256_min_epi16(a, b); }
  static Vector max(Vector a, Vector b) { return _mm256_max_epi16(a, b); }
  static Vector bit_and(Vector a, Vector b) { return _mm256_and_si256(a, b); }
  static Vector bit_xor(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
  static Vector rounded_product(Vector a, Vector b) { return _mm256_mulhrs_epi16(a, b); }
  template <int Bits>
  static Vector shift_left(Vector v) {
    return _mm256_slli_epi16(v, Bits);
  }
  // Zeros come in.
  template <int Bits>
  static Vector shift_right(Vector v) {
    return _mm256_srli_epi16(v, Bits);
  }

  static Vector all_32(int value) { return _mm256_set1_epi32(value); }
  static Vector add_32(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  template <int Bits>
  static Vector shift_right_32(Vector v) {
    return _mm256_srli_epi32(v, Bits);
  }
  // a * b of each two neighbours, added up.
  static Vector multiply_pairs(Vector a, Vector b) { return _mm256_madd_epi16(a, b); }
  // Lanes of 32 bits, cut to 16.
  static void store_half(int16_t* to, Vector v) {
    const __m128i low = _mm256_castsi256_si128(v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm_packs_epi32(low, _mm256_extracti128_si256(v, 1)));
  }

  static Vector gather(const GatherComponent& component, const uint8_t* row, int step) {
    const uint8_t* const low = row + component.start[step * 2];
    const uint8_t* const high = row + component.start[step * 2 + 1];
    const uint8_t* const masks =
        component.masks + static_cast<size_t>(step * component.pieces) * 32;
    Vector result = piece(low, high, masks);
    for (int i = 1; i < component.pieces; i++) {
      result = _mm256_or_si256(result, piece(low + i * 16, high + i * 16, masks + i * 32));
    }
    return result;
  }

  static void store_bytes(uint8_t* to, Vector levels) {
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(levels), _mm256_extracti128_si256(levels, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  }

  class Normalise {
   public:
    Normalise(float factor, float offset)
        : factor_(_mm256_set1_ps(factor)), offset_(_mm256_set1_ps(offset)) {}

    void operator()(float* to, Vector levels) const {
      store_half(to, _mm256_castsi256_si128(levels));
      store_half(to + 8, _mm256_extracti128_si256(levels, 1));
    }

   private:
    void store_half(float* to, __m128i levels) const {
      const __m256 level = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(levels));
      _mm256_storeu_ps(to, _mm256_add_ps(_mm256_mul_ps(level, factor_), offset_));
    }

    __m256 factor_;
    __m256 offset_;
  };

 private:
  static Vector piece(const uint8_t* low, const uint8_t* high, const uint8_t* mask) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(low));
    const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(high));
    return _mm256_shuffle_epi8(_mm256_set_m128i(second, first),
                               _mm256_loadu_si256(reinterpret_cast<const Vector*>(mask)));
  }
};

void halve_row_8(const LevelTable& table, const uint8_t* levels, int step, int count,
                 uint16_t* out) {
  int i = 0;
  const __m256 factor = _mm256_set1_ps(table.factor);
  const __m256 offset = _mm256_set1_ps(table.offset);
  for (; step == 1 && i + 8 <= count; i += 8) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(levels + i));
    const __m256 level = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    const __m256 value = _mm256_add_ps(_mm256_mul_ps(level, factor), offset);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
  }
  halve_row(table, levels + i * step, step, count - i, out + i);
}

// A shuffle looks up 16 bytes at a time and gives 0 where the upper bit is set. Taking 16 off, with
// saturation, after each of them makes every table up to the right one count: what is stored is the
// difference of each to the one before, levels from 128 on begin a second walk, and the sum over all
// that counted is the code (by exclusive or, as W. Mula does it).
void encode_row_32(const LevelTable& table, int count, uint8_t* row) {
  alignas(16) uint8_t differences[256];
  for (int i = 0; i < 256; i++) {
    differences[i] =
        i % 128 < 16 ? table.codes[i] : static_cast<uint8_t>(table.codes[i] ^ table.codes[i - 16]);
  }
  const __m256i sixteen = _mm256_set1_epi8(16);
  int i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256i* const at = reinterpret_cast<__m256i*>(row + i);
    __m256i low = _mm256_loadu_si256(at);
    __m256i high = _mm256_xor_si256(low, _mm256_set1_epi8(-128));
    __m256i code = _mm256_setzero_si256();
    for (int part = 0; part < 8; part++) {
      const auto look_up = [&](int first, __m256i levels) {
        const __m128i* const from = reinterpret_cast<const __m128i*>(differences + first);
        return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(from)), levels);
      };
      code = _mm256_xor_si256(code, look_up(part * 16, low));
      code = _mm256_xor_si256(code, look_up(128 + part * 16, high));
      low = _mm256_subs_epi8(low, sixteen);
      high = _mm256_subs_epi8(high, sixteen);
    }
    _mm256_storeu_si256(at, code);
  }
  encode_row(table, count - i, row + i);
}

// Two pixels at a time: their six samples by each one's weight.
void filter_rgb_wide(const uint8_t* row, int source, const FilterRow& filter, int count,
                     uint8_t* out) {
  const Lanes::Vector spread = _mm256_setr_epi32(0, 0, 0, 1, 1, 1, 2, 2);
  const Lanes::Vector second = _mm256_setr_epi32(3, 4, 5, 6, 6, 6, 6, 6);
  const __m128i half = _mm_set1_epi32(1 << (filter.bits - 1));
  const __m128i bits = _mm_cvtsi32_si128(filter.bits);
  const uint8_t* const end = row + static_cast<size_t>(source) * 3;
  for (int x = 0; x < count; x++) {
    const int32_t* const weights = filter.weights + static_cast<size_t>(x) * filter.widest;
    const uint8_t* from = row + static_cast<size_t>(filter.start[x]) * 3;
    Lanes::Vector sums = _mm256_setzero_si256();
    for (int left = filter.length[x]; left > 0; left -= 2, from += 6) {
      const int32_t* const own = weights + (filter.length[x] - left);
      const __m128i both = left == 1 ? _mm_cvtsi32_si128(own[0])
                                     : _mm_loadl_epi64(reinterpret_cast<const __m128i*>(own));
      // Eight bytes, which the last pixels of a row do not have.
      uint64_t bytes = 0;
      if (end - from >= 8) {
        std::memcpy(&bytes, from, 8);
      } else {
        std::memcpy(&bytes, from, static_cast<size_t>(end - from));
      }
      const Lanes::Vector pixels =
          _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)));
      const Lanes::Vector weight =
          _mm256_permutevar8x32_epi32(_mm256_zextsi128_si256(both), spread);
      sums = Lanes::add_32(sums, _mm256_mullo_epi32(pixels, weight));
    }
    const __m128i sum =
        _mm256_castsi256_si128(Lanes::add_32(sums, _mm256_permutevar8x32_epi32(sums, second)));
    const __m128i levels = _mm_sra_epi32(_mm_add_epi32(sum, half), bits);
    const __m128i words = _mm_packs_epi32(levels, levels);
    const int pixel = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(out + x * 3, &pixel, 3);
  }
}

}  // namespace
}  // namespace vedette

#include "fused_rows.h"

namespace vedette {

const RowKernels* avx2_row_kernels() {
  static const FusedKernels fused = fused_kernels(FusedKernels::Reach::shuffle_16);
  static const RowKernels kernels = [] {
    RowKernels all = plain_row_kernels("avx2");
    all.halve_row = halve_row_8;
    all.encode_row = encode_row_32;
    all.fused = &fused;
    all.filter_columns[1] = filter_rgb_wide;
    return all;
  }();
  return &kernels;
}

}  // namespace vedette

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else

namespace vedette {

const RowKernels* avx2_row_kernels() { return nullptr; }

}  // namespace vedette
#endif
