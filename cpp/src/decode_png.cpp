#include <csetjmp>
#include <cstring>
#include <optional>
#include <vector>

#include <png.h>

#include "decoded.hpp"
#include "orientation.hpp"

namespace reseen {
namespace {

constexpr char xmp_key[] = "XML:com.adobe.xmp";

/// A reader of libpng. As with JPEG, the library leaves a function that fails by `longjmp`: its calls are made in
/// `attempt` only, from lambdas that own nothing.
class Reader {
  public:
    explicit Reader(const Bytes& content) : next_(content.data()), left_(content.size()) {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }

    /// Whether a step came to its end.
    template <typename Step>
    bool attempt(Step step) {
        if (setjmp(escape_) != 0) return false;
        step(png_, info_);
        return true;
    }

    bool read_header() {
        return attempt([this](png_structp, png_infop) {
            png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
            info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
            if (info_ == nullptr) fail("out of memory");
            png_set_read_fn(png_, this, on_read);
            png_read_info(png_, info_);
        });
    }

    png_structp png() const { return png_; }
    png_infop info() const { return info_; }
    const char* message() const { return message_; }

  private:
    static void on_error(png_structp png, png_const_charp message) {
        static_cast<Reader*>(png_get_error_ptr(png))->fail(message);
    }

    static void on_read(png_structp png, png_bytep into, std::size_t count) {
        Reader& self = *static_cast<Reader*>(png_get_io_ptr(png));
        if (count > self.left_) self.fail("the file ends before the image does");
        std::memcpy(into, self.next_, count);
        self.next_ += count;
        self.left_ -= count;
    }

    [[noreturn]] void fail(const char* message) {
        std::strncpy(message_, message, sizeof message_ - 1);
        std::longjmp(escape_, 1);
    }

    const std::uint8_t* next_;
    std::size_t left_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::jmp_buf escape_;
    char message_[200]{};
};

/// Ask for 8-bit RGB, or RGBA where anything may be transparent.
void ask_for_rgb(png_structp png, png_infop info) {
    const int kind = png_get_color_type(png, info), bits = png_get_bit_depth(png, info);
    const bool grey = kind == PNG_COLOR_TYPE_GRAY || kind == PNG_COLOR_TYPE_GRAY_ALPHA;
    if (kind == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (grey && bits < 8) png_set_expand_gray_1_2_4_to_8(png);
    // Pillow finds a transparent colour only among these, and pixels must be those of Python.
    const bool known = kind == PNG_COLOR_TYPE_PALETTE || bits == 1 || bits == 8;
    if (known && png_get_valid(png, info, PNG_INFO_tRNS) != 0) png_set_tRNS_to_alpha(png);
    if (bits == 16) png_set_strip_16(png);
    if (grey) png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

int orientation_of(png_structp png, png_infop info) {
    std::optional<int> found;
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png, info, &size, &exif) != 0) found = exif_orientation(exif, size);
    png_textp texts = nullptr;
    int count = 0;
    png_get_text(png, info, &texts, &count);
    for (int i = 0; i < count && !found; ++i)
        if (std::strcmp(texts[i].key, xmp_key) == 0 && texts[i].text != nullptr)
            found = xmp_orientation(texts[i].text);
    return found.value_or(1);
}

/// RGBA pixels laid over black.
void flatten(const Bytes& rgba, Bytes& rgb) {
    for (std::size_t pixel = 0; pixel < rgb.size() / 3; ++pixel)
        for (std::size_t channel = 0; channel < 3; ++channel)
            rgb[3 * pixel + channel] = share(rgba[4 * pixel + channel], rgba[4 * pixel + 3]);
}

}  // namespace

Decoded decode_png(const Bytes& content, const std::string& name) {
    Reader reader(content);
    if (!reader.read_header()) throw_damaged(name, reader.message());
    Image image = blank(png_get_image_height(reader.png(), reader.info()),
                        png_get_image_width(reader.png(), reader.info()), name);
    if (!reader.attempt(ask_for_rgb)) throw_damaged(name, reader.message());

    const std::size_t channels = png_get_channels(reader.png(), reader.info());
    const std::size_t stride = channels * static_cast<std::size_t>(image.width);
    Bytes rgba(channels == 4 ? stride * static_cast<std::size_t>(image.height) : 0);
    std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = (channels == 4 ? rgba : image.pixels).data() + y * stride;

    const bool whole = reader.attempt([&](png_structp png, png_infop info) {
        png_read_image(png, rows.data());
        png_read_end(png, info);
    });
    if (!whole) throw_damaged(name, reader.message());
    if (channels == 4) flatten(rgba, image.pixels);
    return {std::move(image), orientation_of(reader.png(), reader.info())};
}

}  // namespace reseen
