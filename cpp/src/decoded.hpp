// What the two decoders share.
#pragma once

#include <string>

#include "read.hpp"
#include "reseen/image.hpp"

namespace reseen {

/// An image as it is stored.
struct Decoded {
    Image image;
    int orientation = 1;
};

/// Both throw ImageError: damaged, or too many pixels.
Decoded decode_jpeg(const Bytes& content, const std::string& name);
Decoded decode_png(const Bytes& content, const std::string& name);

/// An image of this size, its pixels still black. Throws ImageError: it has too many, or none.
Image blank(std::size_t height, std::size_t width, const std::string& name);

[[noreturn]] void throw_damaged(const std::string& name, const std::string& got);

/// Product of two shares of 255, rounded.
inline std::uint8_t share(unsigned a, unsigned b) {
    const unsigned product = a * b + 128;
    return static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
}

}  // namespace reseen
