#include "output.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>
#include <system_error>

namespace fs = std::filesystem;

namespace {

/// Write a file beside its place, then move it there; of a link, the file that it leads to.
void write_whole(const fs::path& named, const std::string& content) {
    const fs::path file = fs::weakly_canonical(named);
    fs::path part = file;
    part += ".part";
    errno = 0;
    std::ofstream out(part, std::ios::binary);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.close();
    std::error_code error(errno, std::generic_category());
    if (out) fs::rename(part, file, error);
    if (!out || error) {
        std::error_code ignored;
        fs::remove(part, ignored);
        throw reseen::StorageError({"cannot write " + file.string(), "room on the disk and the right to write there",
                                    error.message(), "free some space or choose another --output"});
    }
}

/// Version 1.0 of NumPy's format: what the numbers are, padded so that they begin at a multiple of 64 bytes.
std::string npy(const reseen::Embedded& embedded, int feature_size) {
    constexpr std::size_t alignment = 64, before_header = 10;
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(embedded.names.size()) +
                         ", " + std::to_string(feature_size) + "), }";
    while ((before_header + header.size() + 1) % alignment != 0) header += ' ';
    header += '\n';
    std::string content("\x93NUMPY\x01\x00", 8);
    content += static_cast<char>(header.size() & 0xFF);
    content += static_cast<char>(header.size() >> 8);
    content += header;
    for (const float number : embedded.features) {
        std::uint32_t bits = 0;
        static_assert(sizeof bits == sizeof number);
        std::memcpy(&bits, &number, sizeof bits);
        for (int shift = 0; shift < 32; shift += 8) content += static_cast<char>(bits >> shift & 0xFF);
    }
    return content;
}

std::string names(const reseen::Embedded& embedded) {
    nlohmann::json all = nlohmann::json::array();
    for (const fs::path& name : embedded.names) all.push_back(name.string());
    return all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string quoted(const std::string& text) {
    std::string all = "\"";
    for (const char c : text) all += c == '"' ? std::string("\"\"") : std::string(1, c);
    return all + "\"";
}

std::string csv(const reseen::Embedded& embedded, int feature_size) {
    std::string content = "name";
    for (int place = 0; place < feature_size; ++place) content += ",f" + std::to_string(place);
    content += "\n";
    auto number = embedded.features.begin();
    for (const fs::path& name : embedded.names) {
        content += quoted(name.string());
        for (int place = 0; place < feature_size; ++place) {
            std::array<char, 32> digits;  // the fewest that give the same number back
            const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *number++).ptr;
            content.append(",").append(digits.data(), end);
        }
        content += "\n";
    }
    return content;
}

}  // namespace

std::string visible(const std::string& text) {
    constexpr const char* digits = "0123456789abcdef";
    std::string all;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
        const bool above = byte == 0xC2 && 0x80 <= next && next < 0xA0;  // U+0080 to U+009F
        if ((byte < 0x20 && byte != '\n') || byte == 0x7F || above) {
            const unsigned char code = above ? next : byte;
            all.append("\\x").append({digits[code >> 4], digits[code & 0xF]});
            if (above) ++i;
        } else {
            all += text[i];
        }
    }
    return all;
}

void check_output(const fs::path& file) {
    std::error_code ignored;
    if (file.extension() != ".npy" && file.extension() != ".csv")
        throw reseen::UsageError(
            {"--output cannot be used", "a file that ends in .npy or .csv", file.string(), "choose one of these"});
    if (file.has_parent_path() && !fs::is_directory(file.parent_path(), ignored))
        throw reseen::UsageError({"--output cannot be used", "a file in a folder that exists", file.string(),
                                  "make the folder first, or choose another"});
    const fs::file_status status = fs::status(file, ignored);
    if (status.type() != fs::file_type::not_found && status.type() != fs::file_type::regular)
        throw reseen::UsageError({"--output cannot be used", "a file, or nothing yet",
                                  "something else in the place of " + file.string(), "choose another name"});
}

void save(const fs::path& file, const reseen::Embedded& embedded, int feature_size) {
    if (file.extension() == ".csv") return write_whole(file, csv(embedded, feature_size));
    fs::path beside = file;
    write_whole(beside += ".names.json", names(embedded));
    write_whole(file, npy(embedded, feature_size));
}

void print(std::ostream& out, const reseen::Embedded& embedded, int feature_size) {
    const std::size_t size = static_cast<std::size_t>(feature_size);
    out << std::fixed << std::setprecision(4);
    for (std::size_t i = 0; i < embedded.names.size(); ++i) {
        const float* feature = &embedded.features[i * size];
        const float first = feature[0], last = feature[size - 1];
        out << visible(embedded.names[i].string()) << ": [" << first << " … " << last << "] (" << size << ",)\n";
    }
}
