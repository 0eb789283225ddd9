// Images: decoding and resizing, as reseen's Python package does both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reseen {

/// Largest image file that is read, in bytes.
constexpr std::size_t max_image_bytes = 64u << 20;
/// Largest width times height that is decoded.
constexpr std::size_t max_image_pixels = 50'000'000;

/// 8-bit RGB pixels, row after row: `height` × `width` × 3 bytes.
struct Image {
    int height = 0;
    int width = 0;
    std::vector<std::uint8_t> pixels;
};

/// Decode a JPEG or PNG file to 8-bit RGB, upright.
///
/// EXIF orientation is applied. Grey, palette, CMYK and 16-bit images (their high byte) become RGB; transparent parts
/// are laid over black.
///
/// Throws ImageError: missing, empty, damaged, of another format, or over the limits above (checked before reading,
/// and before decoding).
Image decode_image(const std::filesystem::path& file);

/// The same from the bytes of a file; errors call the image `name`.
Image decode_image(const std::vector<std::uint8_t>& content, const std::string& name);

/// The image at another size, by antialiased bilinear resampling: the pixels of Pillow 13's `resize(…, BILINEAR)`.
///
/// Throws ImageError: an image without pixels, or a side below 1.
Image resize(const Image& image, int height, int width);

}  // namespace reseen
