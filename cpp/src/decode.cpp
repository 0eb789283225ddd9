#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

#include "decoded.hpp"
#include "orientation.hpp"
#include "reseen/error.hpp"

namespace reseen {
namespace {

constexpr std::uint8_t jpeg_mark[] = {0xFF, 0xD8, 0xFF};
constexpr std::uint8_t png_mark[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

template <std::size_t size>
bool begins_with(const Bytes& content, const std::uint8_t (&mark)[size]) {
    return content.size() >= size && std::memcmp(content.data(), mark, size) == 0;
}

void check_bytes(std::uintmax_t size, const std::string& name) {
    if (size == 0) throw ImageError({name + " is empty", "an image file", "0 bytes", "replace or remove it"});
    if (size > max_image_bytes)
        throw ImageError({name + " is too large to read", "at most " + grouped(max_image_bytes) + " bytes",
                          grouped(size) + " bytes",
                          "store the person's crop rather than the whole picture, or compress it"});
}

/// The first bytes of a file, for an error message.
std::string beginning(const Bytes& content) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t place = 0; place < std::min<std::size_t>(8, content.size()); ++place) {
        const std::uint8_t byte = content[place];
        if (byte >= ' ' && byte < 0x7F)
            text += static_cast<char>(byte);
        else
            text += std::string("\\x") + digits[byte >> 4] + digits[byte & 15];
    }
    return text;
}

}  // namespace

Image decode_image(const std::filesystem::path& file) {
    Bytes content;
    try {
        if (std::filesystem::is_regular_file(file)) check_bytes(std::filesystem::file_size(file), file.string());
        content = read_file(file, max_image_bytes + 1);
    } catch (const std::system_error& error) {
        throw ImageError({file.string() + " cannot be read", "a readable image file", error.code().message(),
                          "check the path and its permissions"});
    }
    return decode_image(content, file.string());
}

Image decode_image(const std::vector<std::uint8_t>& content, const std::string& name) {
    check_bytes(content.size(), name);
    const bool jpeg = begins_with(content, jpeg_mark);
    if (!jpeg && !begins_with(content, png_mark))
        throw ImageError({name + " is not an image that can be read", "JPEG or PNG",
                          "a file that begins with '" + beginning(content) + "'",
                          "convert it to JPEG or PNG, or remove it"});
    Decoded decoded = jpeg ? decode_jpeg(content, name) : decode_png(content, name);
    return upright(std::move(decoded.image), decoded.orientation);
}

Image blank(std::size_t height, std::size_t width, const std::string& name) {
    if (height == 0 || width == 0) throw_damaged(name, "no pixels");
    if (width > max_image_pixels / height)
        throw ImageError({name + " has too many pixels", "at most " + grouped(max_image_pixels) + " pixels",
                          grouped(width) + " × " + grouped(height) + " = " + grouped(width * height) + " pixels",
                          "crop the person out of the picture, or shrink it"});
    return {static_cast<int>(height), static_cast<int>(width), Bytes(3 * height * width)};
}

void throw_damaged(const std::string& name, const std::string& got) {
    throw ImageError({name + " cannot be decoded", "a whole image of 8 or 16 bits per channel", got,
                      "replace it with an undamaged copy, or remove it"});
}

}  // namespace reseen
