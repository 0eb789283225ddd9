#include <algorithm>
#include <cmath>
#include <utility>

#include "reseen/error.hpp"
#include "reseen/image.hpp"

// Pillow's way of resampling, so that pixels are equal to its own: along rows and along columns, each with weights in
// fixed point and with a result that is rounded to 8 bits. When an image shrinks, the triangle grows with the scale, so
// that every pixel counts.

namespace reseen {
namespace {

constexpr int fraction_bits = 32 - 8 - 2;  // 8 bits for the pixel, 2 for sums that overshoot
constexpr std::int32_t half = 1 << (fraction_bits - 1);

/// The pixels that one pixel of the result is made from.
struct Window {
    int first;
    std::vector<std::int32_t> weights;
};

/// Windows of all places along one side.
std::vector<Window> windows(int from, int to) {
    const double scale = static_cast<double>(from) / to;
    const double spread = std::max(scale, 1.0);  // the triangle reaches so many pixels to either side
    std::vector<Window> all(static_cast<std::size_t>(to));
    std::vector<double> shares;
    for (int place = 0; place < to; ++place) {
        const double centre = (place + 0.5) * scale;
        const int first = std::max(static_cast<int>(centre - spread + 0.5), 0);
        const int end = std::min(static_cast<int>(centre + spread + 0.5), from);
        shares.clear();
        double sum = 0;
        for (int pixel = first; pixel < end; ++pixel) {
            const double distance = std::abs((pixel - centre + 0.5) * (1.0 / spread));
            shares.push_back(std::max(1.0 - distance, 0.0));
            sum += shares.back();
        }
        Window& window = all[static_cast<std::size_t>(place)];
        window.first = first;
        for (const double share : shares)
            window.weights.push_back(static_cast<std::int32_t>(0.5 + share / sum * (1 << fraction_bits)));
    }
    return all;
}

std::uint8_t rounded(std::int32_t sum) {
    return static_cast<std::uint8_t>(std::clamp(sum >> fraction_bits, 0, 255));
}

Image resize_rows(const Image& image, int width) {
    Image result{image.height, width, std::vector<std::uint8_t>(std::size_t{3} * image.height * width)};
    const std::vector<Window> columns = windows(image.width, width);
    std::uint8_t* out = result.pixels.data();
    for (int y = 0; y < image.height; ++y) {
        const std::uint8_t* row = &image.pixels[std::size_t{3} * y * image.width];
        for (const Window& window : columns) {
            std::int32_t red = half, green = half, blue = half;
            const std::uint8_t* in = row + 3 * window.first;
            for (const std::int32_t weight : window.weights) {
                red += weight * *in++;
                green += weight * *in++;
                blue += weight * *in++;
            }
            *out++ = rounded(red);
            *out++ = rounded(green);
            *out++ = rounded(blue);
        }
    }
    return result;
}

Image resize_columns(const Image& image, int height) {
    const std::size_t stride = std::size_t{3} * image.width;
    Image result{height, image.width, std::vector<std::uint8_t>(stride * height)};
    std::vector<std::int32_t> sums(stride);
    std::uint8_t* out = result.pixels.data();
    for (const Window& window : windows(image.height, height)) {
        std::fill(sums.begin(), sums.end(), half);
        const std::uint8_t* in = &image.pixels[stride * window.first];
        for (const std::int32_t weight : window.weights)
            for (std::size_t x = 0; x < stride; ++x) sums[x] += weight * *in++;
        for (const std::int32_t sum : sums) *out++ = rounded(sum);
    }
    return result;
}

/// Pillow 13 begins with the columns where the height shrinks by more than twice what the width does. The order shows,
/// by 1 in some pixels. Older versions always begin with the rows.
bool columns_first(const Image& image, int height, int width) {
    return image.height > height && image.height - height > 2 * (image.width - width);
}

}  // namespace

Image resize(const Image& image, int height, int width) {
    const bool whole = image.height > 0 && image.width > 0 &&
                       image.pixels.size() == std::size_t{3} * image.height * image.width;
    if (!whole || height < 1 || width < 1)
        throw ImageError({"an image cannot be resized", "height × width × 3 bytes, and a size of at least 1 × 1",
                          std::to_string(image.pixels.size()) + " bytes of " + std::to_string(image.height) + " × " +
                              std::to_string(image.width) + " pixels, to " + std::to_string(height) + " × " +
                              std::to_string(width),
                          "decode the image anew"});
    const auto rows = [width](const Image& from) { return width == from.width ? from : resize_rows(from, width); };
    const auto columns = [height](const Image& from) {
        return height == from.height ? from : resize_columns(from, height);
    };
    return columns_first(image, height, width) ? rows(columns(image)) : columns(rows(image));
}

}  // namespace reseen
