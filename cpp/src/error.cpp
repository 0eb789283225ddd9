#include "reseen/error.hpp"

#include <utility>

namespace reseen {

Error::Error(Fault fault)
    : std::runtime_error(fault.what + "\n  expected: " + fault.expected + "\n  got: " + fault.got +
                         "\n  cure: " + fault.cure),
      fault_(std::move(fault)) {}

}  // namespace reseen
