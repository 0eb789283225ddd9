#include "read.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace reseen {
namespace {

constexpr std::size_t chunk_bytes = 1u << 20;

[[noreturn]] void fail() {
    throw std::system_error(errno, std::generic_category());
}

/// An open file; regular files only, for others may never end, or never begin.
class Reader {
  public:
    explicit Reader(const std::filesystem::path& path) {
        if (std::filesystem::status(path).type() == std::filesystem::file_type::directory)
            throw std::system_error(std::make_error_code(std::errc::is_a_directory));
        if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path))
            throw std::system_error(std::make_error_code(std::errc::invalid_argument), "no regular file");
        file_.reset(std::fopen(path.c_str(), "rb"));
        if (!file_) fail();
    }

    /// Bytes that were read: fewer than asked for only at the end.
    std::size_t read(std::uint8_t* into, std::size_t most) {
        const std::size_t count = std::fread(into, 1, most, file_.get());
        if (std::ferror(file_.get())) fail();
        return count;
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace

Bytes read_file(const std::filesystem::path& path, std::size_t most) {
    Reader reader(path);
    Bytes content;
    while (content.size() < most) {
        const std::size_t start = content.size(), wanted = std::min(chunk_bytes, most - start);
        content.resize(start + wanted);
        const std::size_t count = reader.read(content.data() + start, wanted);
        content.resize(start + count);
        if (count < wanted) break;
    }
    return content;
}

std::string sha256(const std::filesystem::path& path) {
    Reader reader(path);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
    Bytes chunk(chunk_bytes);
    for (std::size_t count = chunk.size(); good && count == chunk.size();) {
        count = reader.read(chunk.data(), chunk.size());
        good = EVP_DigestUpdate(context.get(), chunk.data(), count) == 1;
    }
    if (!good || EVP_DigestFinal_ex(context.get(), digest.data(), &length) != 1)
        throw std::runtime_error("OpenSSL cannot compute SHA-256");

    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (unsigned int place = 0; place < length; ++place) {
        text += digits[digest[place] >> 4];
        text += digits[digest[place] & 15];
    }
    return text;
}

std::string grouped(std::uintmax_t number) {
    std::string text = std::to_string(number);
    for (std::size_t place = text.size(); place > 3;) text.insert(place -= 3, ",");
    return text;
}

}  // namespace reseen
