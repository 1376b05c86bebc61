#include "output_kernels.h"

#include <cstring>
#include <initializer_list>

#include "output_loops.h"
#include "row_kernels.h"

namespace vedette {

const OutputKernels* scalar_output_kernels() {
  static const OutputKernels kernels = plain_output_kernels("scalar");
  return &kernels;
}

const OutputKernels& output_kernels() {
  const char* const name = row_kernels().name;
  for (const OutputKernels* kernels : {avx512_output_kernels(), avx2_output_kernels()}) {
    if (kernels != nullptr && std::strcmp(kernels->name, name) == 0) return *kernels;
  }
  return *scalar_output_kernels();
}

}  // namespace vedette
