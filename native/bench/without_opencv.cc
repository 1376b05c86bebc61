// What the program is built with where OpenCV is missing.
#include "contender.h"

namespace vedette::bench {

void add_opencv_contenders(const Frame&, std::vector<Contender>&) {}

}  // namespace vedette::bench
