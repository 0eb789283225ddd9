// Which files an ONNX file reads its weights from, found without an ONNX library.
#pragma once

#include <set>
#include <string>

#include "read.hpp"

namespace reseen {

/// Names, as they are written in an ONNX file, of the files that its weights are in; empty when it holds them all.
/// Throws std::runtime_error: it is not a whole ONNX file.
std::set<std::string> external_files(const Bytes& onnx);

}  // namespace reseen
