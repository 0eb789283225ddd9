#include "reseen/bundle.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "external_data.hpp"
#include "read.hpp"
#include "reseen/error.hpp"

namespace reseen {
namespace {

using nlohmann::json;

constexpr char description_name[] = "bundle.json";
constexpr std::size_t max_description_bytes = 4u << 20;
constexpr std::size_t max_onnx_bytes = std::size_t{1} << 31;  // a protocol buffer cannot be larger

/// Member of an object. Throws std::runtime_error where there is none.
const json& member(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || found == object.end()) throw std::runtime_error(std::string("no ") + key);
    return *found;
}

std::string text(const json& object, const char* key) {
    const json& value = member(object, key);
    if (!value.is_string()) throw std::runtime_error(std::string(key) + " is no text");
    return value.get<std::string>();
}

std::uint64_t number(const json& object, const char* key, std::uint64_t least, std::uint64_t most) {
    const json& value = member(object, key);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < least || value.get<std::uint64_t>() > most)
        throw std::runtime_error(std::string(key) + " is not a whole number from " + std::to_string(least) + " to " +
                                 std::to_string(most));
    return value.get<std::uint64_t>();
}

void require_text(const json& object, const char* key, const char* known) {
    if (text(object, key) != known) throw std::runtime_error(std::string(key) + " is not " + known);
}

/// In quotes, with what no terminal should see escaped.
std::string quoted(const std::string& text) {
    return json(text).dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 120);
}

/// A name in the bundle's own folder: no path leads out of it.
std::string file_name(const std::string& name) {
    const auto alphanumeric = [](char c) {
        return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9');
    };
    const auto allowed = [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; };
    if (name.empty() || name.size() > 100 || !alphanumeric(name[0]) || !std::all_of(name.begin(), name.end(), allowed))
        throw std::runtime_error("not a file name of a bundle: " + quoted(name));
    return name;
}

std::string hash(const json& object, const char* key) {
    const std::string value = text(object, key);
    if (value.size() != 64 || value.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw std::runtime_error(std::string(key) + " is no SHA-256");
    return value;
}

Model model_of(const json& object) {
    Model model{text(object, "format"), text(object, "precision"), {}, hash(object, "feature_space")};
    const json& files = member(object, "files");
    if (!files.is_array() || files.empty()) throw std::runtime_error("a model without files");
    for (const json& name : files) {
        if (!name.is_string()) throw std::runtime_error("a file name is no text");
        model.files.push_back(file_name(name.get<std::string>()));
    }
    return model;
}

json read_description(const std::filesystem::path& path) {
    const Bytes content = read_file(path, max_description_bytes + 1);
    if (content.size() > max_description_bytes)
        throw std::runtime_error("more than " + grouped(max_description_bytes) + " bytes");
    try {
        return json::parse(content.begin(), content.end());
    } catch (const json::parse_error& error) {  // its own words would quote the file, whatever is in it
        throw std::runtime_error("no JSON at byte " + std::to_string(error.byte));
    }
}

void check_version(const std::filesystem::path& folder, const json& description) {
    const json& format = member(description, "format");
    if (format.is_number_integer() && format > newest_format)
        throw BundleError({folder.string() + " was written by a newer version of reseen",
                           "a bundle of format " + std::to_string(newest_format) + " or older",
                           "format " + format.dump(), "update this program"});
    number(description, "format", 1, newest_format);
}

std::string joined(const std::vector<std::string>& parts) {
    std::string all;
    for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
    return all;
}

/// Names of the files that a model reads its weights from, beside its own.
std::set<std::string> weight_files(const std::filesystem::path& path, const std::string& format) {
    if (format == "openvino") return {std::filesystem::path(path).replace_extension(".bin").filename().string()};
    if (format != "onnx") return {};
    try {
        const Bytes content = read_file(path, max_onnx_bytes + 1);
        if (content.size() > max_onnx_bytes) throw std::runtime_error("more than " + grouped(max_onnx_bytes) + " bytes");
        return external_files(content);
    } catch (const std::exception& error) {
        throw BundleError({path.string() + " is not a whole ONNX file", "a protocol buffer as onnx.proto describes it",
                           error.what(), "export the model again"});
    }
}

}  // namespace

Bundle::Bundle(std::filesystem::path folder) : folder_(std::move(folder)) {
    try {
        const json description = read_description(folder_ / description_name);
        check_version(folder_, description);
        name_ = text(description, "name");
        const json& preprocess = member(description, "preprocess");
        height_ = static_cast<int>(number(preprocess, "height", 16, 2048));
        width_ = static_cast<int>(number(preprocess, "width", 16, 2048));
        require_text(preprocess, "interpolation", "bilinear");
        require_text(preprocess, "colour", "RGB");
        feature_size_ = static_cast<int>(number(description, "feature_size", 1, 65536));
        for (const auto& [name, file] : member(description, "files").items())
            files_[file_name(name)] = {hash(file, "sha256"), number(file, "bytes", 0, UINT64_MAX)};
        for (const json& model : member(description, "models")) {
            models_.push_back(model_of(model));
            for (const std::string& name : models_.back().files)
                if (files_.count(name) == 0) throw std::runtime_error("a file without a hash: " + name);
        }
    } catch (const Error&) {
        throw;
    } catch (const std::exception& error) {  // the system's, and those thrown above
        throw BundleError({folder_.string() + " is no bundle that can be opened",
                           std::string("a folder with the ") + description_name + " that reseen export writes",
                           std::string(error.what()).substr(0, 300), "check the path, or export the model again"});
    }
}

const Model& Bundle::choose(const std::string& precision) const {
    const std::vector<std::string> all = {"fp32", "fp16", "int8"};
    std::vector<std::string> kinds;
    for (const std::string& kind : precision.empty() ? all : std::vector<std::string>{precision})
        for (const std::string format : {"openvino", "onnx"})
            for (const Model& model : models_)
                if (model.format == format && model.precision == kind) return model;
    for (const Model& model : models_) kinds.push_back(model.format + " " + model.precision);
    const std::string wanted = precision.empty() ? "" : precision + " ";
    throw BundleError({folder_.string() + " has no " + wanted + "model that OpenVINO runs",
                       "a " + wanted + "model of format openvino or onnx",
                       kinds.empty() ? "no model at all" : joined(kinds).substr(0, 300),
                       "export it with reseen, or choose another precision"});
}

std::filesystem::path Bundle::verify(const Model& model) const {
    for (const std::string& name : model.files) check(name);
    const std::filesystem::path first = folder_ / model.files.at(0);
    std::vector<std::string> outside;
    for (const std::string& name : weight_files(first, model.format))
        if (std::count(model.files.begin(), model.files.end(), name) == 0) outside.push_back(quoted(name));
    if (!outside.empty())
        throw BundleError({first.string() + " reads weights from a file that is not part of the bundle",
                           "one of " + joined(model.files), joined(outside).substr(0, 300),
                           "do not use this bundle unless you know who made it; export the model again"});
    return first;
}

void Bundle::check(const std::string& name) const {
    const File& expected = files_.at(name);
    const std::filesystem::path path = folder_ / name;
    std::string got;
    try {
        const std::uintmax_t size = std::filesystem::file_size(path);
        if (size != expected.bytes) {
            got = grouped(size) + " bytes";
        } else if (const std::string found = sha256(path); found != expected.sha256) {
            got = "SHA-256 " + found;
        }
    } catch (const std::system_error& error) {
        got = error.code().message();
    }
    if (!got.empty())
        throw BundleError({path.string() + " is not the file that was exported",
                           grouped(expected.bytes) + " bytes with SHA-256 " + expected.sha256, got,
                           "copy the whole bundle again, or export it again"});
}

}  // namespace reseen
