#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it
#include <cstring>
#include <optional>

#include <jpeglib.h>

#include "decoded.hpp"
#include "orientation.hpp"

namespace reseen {
namespace {

constexpr int max_scans = 1000;  // of a progressive JPEG; a small file with more can take hours
constexpr unsigned max_marker_bytes = 0xFFFF;
constexpr char exif_mark[] = "Exif\0";  // the compiler adds the second zero
constexpr char xmp_mark[] = "http://ns.adobe.com/xap/1.0/";

/// A decompressor of libjpeg.
///
/// The library leaves a function that fails by `longjmp`, which must not pass objects with destructors: its calls are
/// made in `attempt` only, from lambdas that own nothing.
class Decompressor {
  public:
    explicit Decompressor(const Bytes& content) {
        jpeg_.err = jpeg_std_error(&errors_);
        jpeg_.client_data = this;
        errors_.error_exit = [](j_common_ptr jpeg) {
            jpeg->err->format_message(jpeg, self(jpeg).message_);
            std::longjmp(self(jpeg).escape_, 1);
        };
        errors_.output_message = [](j_common_ptr) {};
        source_.next_input_byte = content.data();
        source_.bytes_in_buffer = content.size();
        source_.init_source = source_.term_source = [](j_decompress_ptr) {};
        source_.fill_input_buffer = [](j_decompress_ptr jpeg) -> boolean { end_of_file(jpeg); };
        source_.skip_input_data = [](j_decompress_ptr jpeg, long count) {
            if (count <= 0) return;
            if (static_cast<std::size_t>(count) > jpeg->src->bytes_in_buffer) end_of_file(jpeg);
            jpeg->src->next_input_byte += count;
            jpeg->src->bytes_in_buffer -= static_cast<std::size_t>(count);
        };
        source_.resync_to_restart = jpeg_resync_to_restart;
        progress_.progress_monitor = [](j_common_ptr jpeg) {
            if (self(jpeg).jpeg_.input_scan_number > max_scans) self(jpeg).fail("too many scans");
        };
    }

    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;
    ~Decompressor() { jpeg_destroy_decompress(&jpeg_); }

    /// Whether a step came to its end.
    template <typename Step>
    bool attempt(Step step) {
        if (setjmp(escape_) != 0) return false;
        step(jpeg_);
        return true;
    }

    bool read_header() {
        return attempt([this](jpeg_decompress_struct& jpeg) {
            jpeg_create_decompress(&jpeg);
            jpeg.src = &source_;
            jpeg.progress = &progress_;
            jpeg_save_markers(&jpeg, JPEG_APP0 + 1, max_marker_bytes);
            jpeg_read_header(&jpeg, TRUE);
        });
    }

    const jpeg_decompress_struct& header() const { return jpeg_; }
    const char* message() const { return message_; }

  private:
    static Decompressor& self(j_common_ptr jpeg) { return *static_cast<Decompressor*>(jpeg->client_data); }

    [[noreturn]] static void end_of_file(j_decompress_ptr jpeg) {
        self(reinterpret_cast<j_common_ptr>(jpeg)).fail("the file ends before the image does");
    }

    [[noreturn]] void fail(const char* message) {
        std::strncpy(message_, message, sizeof message_ - 1);
        std::longjmp(escape_, 1);
    }

    jpeg_decompress_struct jpeg_{};
    jpeg_error_mgr errors_{};
    jpeg_source_mgr source_{};
    jpeg_progress_mgr progress_{};
    std::jmp_buf escape_;
    char message_[JMSG_LENGTH_MAX]{};
};

/// Content of an APP1 marker behind the mark that says what is in it.
template <std::size_t size>
std::optional<Bytes> content_of(const jpeg_marker_struct& marker, const char (&mark)[size]) {
    if (marker.data_length < size || std::memcmp(marker.data, mark, size) != 0) return std::nullopt;
    return Bytes(marker.data + size, marker.data + marker.data_length);
}

int orientation_of(const jpeg_decompress_struct& jpeg) {
    std::optional<int> exif, xmp;
    for (const jpeg_marker_struct* marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
        if (const auto found = content_of(*marker, exif_mark); found && !exif)
            exif = exif_orientation(found->data(), found->size());
        if (const auto found = content_of(*marker, xmp_mark); found && !xmp)
            xmp = xmp_orientation({found->begin(), found->end()});
    }
    return exif.value_or(xmp.value_or(1));
}

/// A row of CMYK as Adobe stores it, 255 for no ink, to RGB.
void convert_cmyk(const std::uint8_t* cmyk, std::uint8_t* rgb, int width) {
    for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3)
        for (int channel = 0; channel < 3; ++channel) {
            const unsigned ink = 255u - cmyk[channel], light = cmyk[3];
            rgb[channel] = static_cast<std::uint8_t>(light - share(ink, light));
        }
}

}  // namespace

Decoded decode_jpeg(const Bytes& content, const std::string& name) {
    Decompressor decompressor(content);
    if (!decompressor.read_header()) throw_damaged(name, decompressor.message());
    const jpeg_decompress_struct& header = decompressor.header();
    Image image = blank(header.image_height, header.image_width, name);
    const int orientation = orientation_of(header);  // libjpeg forgets the markers once it has decoded
    const bool cmyk = header.num_components == 4;
    Bytes buffer(cmyk ? 4 * static_cast<std::size_t>(image.width) : 0);

    const bool whole = decompressor.attempt([&](jpeg_decompress_struct& jpeg) {
        jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
        jpeg_start_decompress(&jpeg);
        while (jpeg.output_scanline < jpeg.output_height) {
            std::uint8_t* pixels = &image.pixels[3 * static_cast<std::size_t>(jpeg.output_scanline) * image.width];
            JSAMPROW row = cmyk ? buffer.data() : pixels;
            jpeg_read_scanlines(&jpeg, &row, 1);
            if (cmyk) convert_cmyk(row, pixels, image.width);
        }
        jpeg_finish_decompress(&jpeg);
    });
    if (!whole) throw_damaged(name, decompressor.message());
    return {std::move(image), orientation};
}

}  // namespace reseen
