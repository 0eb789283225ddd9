// Reading files, bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reseen {

using Bytes = std::vector<std::uint8_t>;

/// The first `most` bytes of a file, or all of it where it is shorter. Throws std::system_error.
Bytes read_file(const std::filesystem::path& path, std::size_t most);

/// SHA-256 of a file in lower-case hexadecimal. Throws std::system_error.
std::string sha256(const std::filesystem::path& path);

/// A number with a comma between each three digits.
std::string grouped(std::uintmax_t number);

}  // namespace reseen
