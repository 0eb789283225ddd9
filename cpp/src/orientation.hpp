// Which way up a camera held an image, and turning the image accordingly.
#pragma once

#include <optional>
#include <string>

#include "read.hpp"
#include "reseen/image.hpp"

namespace reseen {

/// Orientation that EXIF data gives, 1 to 8 if it is valid; nothing where the data has none or is damaged.
/// The data begin with the TIFF header, without the `Exif` mark that JPEG puts before it.
std::optional<int> exif_orientation(const std::uint8_t* data, std::size_t size);

/// Orientation that an XMP packet gives, one digit.
std::optional<int> xmp_orientation(const std::string& packet);

/// The image turned and mirrored as its orientation says; 1, and what is not 1 to 8, leaves it as it is.
Image upright(Image image, int orientation);

}  // namespace reseen
