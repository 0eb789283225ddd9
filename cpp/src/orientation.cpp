#include "orientation.hpp"

#include <cstring>
#include <utility>

namespace reseen {
namespace {

/// TIFF data, read in their own byte order. Places beyond the end give nothing.
class Tiff {
  public:
    Tiff(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {
        little_ = size >= 4 && std::memcmp(data, "II*\0", 4) == 0;
        valid_ = little_ || (size >= 4 && std::memcmp(data, "MM\0*", 4) == 0);
    }

    bool valid() const { return valid_; }

    std::optional<std::uint32_t> number(std::size_t place, std::size_t bytes) const {
        if (place > size_ || bytes > size_ - place) return std::nullopt;
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | data_[place + (little_ ? bytes - 1 - i : i)];
        return value;
    }

  private:
    const std::uint8_t* data_;
    std::size_t size_;
    bool little_ = false;
    bool valid_ = false;
};

}  // namespace

std::optional<int> exif_orientation(const std::uint8_t* data, std::size_t size) {
    constexpr std::uint32_t orientation = 0x0112, two_bytes = 3, four_bytes = 4;
    constexpr std::size_t entry_size = 12;
    const Tiff tiff(data, size);
    if (!tiff.valid()) return std::nullopt;
    const std::size_t directory = tiff.number(4, 4).value_or(UINT32_MAX);
    const std::uint32_t entries = tiff.number(directory, 2).value_or(0);
    for (std::uint32_t i = 0; i < entries; ++i) {
        const std::size_t entry = directory + 2 + i * entry_size;
        const auto tag = tiff.number(entry, 2), type = tiff.number(entry + 2, 2), count = tiff.number(entry + 4, 4);
        if (!count) return std::nullopt;
        if (tag != orientation || *count == 0 || (type != two_bytes && type != four_bytes)) continue;
        if (const auto value = tiff.number(entry + 8, type == two_bytes ? 2 : 4)) return static_cast<int>(*value);
    }
    return std::nullopt;
}

std::optional<int> xmp_orientation(const std::string& packet) {
    for (const std::string key : {"tiff:Orientation=\"", "tiff:Orientation>"}) {
        const std::size_t place = packet.find(key);
        if (place == std::string::npos || place + key.size() >= packet.size()) continue;
        const char digit = packet[place + key.size()];
        if ('0' <= digit && digit <= '9') return digit - '0';
    }
    return std::nullopt;
}

Image upright(Image image, int orientation) {
    if (orientation < 2 || orientation > 8) return image;
    const bool transposed = orientation >= 5;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    Image turned{transposed ? image.width : image.height, transposed ? image.height : image.width, {}};
    turned.pixels.resize(image.pixels.size());
    std::uint8_t* out = turned.pixels.data();
    for (int y = 0; y < turned.height; ++y)
        for (int x = 0; x < turned.width; ++x, out += 3) {
            const int down = transposed ? x : y, across = transposed ? y : x;
            const int row = from_bottom ? image.height - 1 - down : down;
            const int column = from_right ? image.width - 1 - across : across;
            std::memcpy(out, &image.pixels[3 * (static_cast<std::size_t>(row) * image.width + column)], 3);
        }
    return turned;
}

}  // namespace reseen
