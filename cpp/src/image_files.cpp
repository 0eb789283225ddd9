#include <algorithm>
#include <array>
#include <string>
#include <system_error>

#include "reseen/embedder.hpp"

namespace reseen {
namespace {

namespace fs = std::filesystem;

/// Endings by which reseen knows an image. Of those that cannot be decoded here the names are reported, rather than
/// left out without a word.
constexpr std::array<const char*, 8> endings = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"};

bool is_image(const fs::path& path) {
    std::string ending = path.extension().string();
    for (char& c : ending)
        if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

void collect(const fs::path& folder, std::vector<fs::path>& found) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (entry.path().filename().string().front() == '.') continue;
        if (is_image(entry.path())) found.push_back(entry.path());
        std::error_code ignored;  // of links that lead to each other
        if (!entry.is_symlink(ignored) && entry.is_directory(ignored)) collect(entry.path(), found);
    }
}

std::vector<fs::path> images_in(const fs::path& folder) {
    std::vector<fs::path> found;
    try {
        collect(folder, found);
    } catch (const fs::filesystem_error& error) {
        throw UsageError({folder.string() + " cannot be read", "a folder of images",
                          error.path1().string() + ": " + error.code().message(),
                          "check the path and its permissions"});
    }
    if (found.empty())
        throw UsageError({"there is no image in " + folder.string(), "files that end in .jpg, .jpeg or .png",
                          "none, in the folder and below it", "check the path"});
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

std::vector<fs::path> image_files(const std::vector<fs::path>& paths) {
    std::vector<fs::path> files;
    for (const fs::path& path : paths) {
        std::error_code ignored;
        if (fs::is_directory(path, ignored)) {
            const std::vector<fs::path> found = images_in(path);
            files.insert(files.end(), found.begin(), found.end());
        } else {
            files.push_back(path);
        }
    }
    return files;
}

}  // namespace reseen
