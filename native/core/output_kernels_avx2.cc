#include "output_kernels.h"

#if defined(__x86_64__)
#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#include "output_loops.h"

namespace vedette {

const OutputKernels* avx2_output_kernels() {
  static const OutputKernels kernels = plain_output_kernels("avx2");
  return &kernels;
}

}  // namespace vedette

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else

namespace vedette {

const OutputKernels* avx2_output_kernels() { return nullptr; }

}  // namespace vedette
#endif
