#include "external_data.hpp"

#include <functional>
#include <optional>
#include <stdexcept>

// An ONNX file is a protocol buffer. Only the fields that can lead to a tensor are followed; numbers are those of
// `onnx.proto` (ONNX 1.23, IR version 13).

namespace reseen {
namespace {

constexpr int max_depth = 64;  // graphs within graphs

enum class Message { model, training, function, graph, node, attribute, sparse, tensor, entry };

/// What kind of message a field holds; nothing for fields that lead to no tensor.
std::optional<Message> kind_of(Message outer, std::uint64_t field) {
    switch (outer) {
        case Message::model:
            if (field == 7) return Message::graph;
            if (field == 20) return Message::training;
            if (field == 25) return Message::function;
            break;
        case Message::training:
            if (field == 1 || field == 2) return Message::graph;
            break;
        case Message::function:
            if (field == 7) return Message::node;
            if (field == 11) return Message::attribute;
            break;
        case Message::graph:
            if (field == 1) return Message::node;
            if (field == 5) return Message::tensor;
            if (field == 15) return Message::sparse;
            break;
        case Message::node:
            if (field == 5) return Message::attribute;
            break;
        case Message::attribute:
            if (field == 5 || field == 10) return Message::tensor;
            if (field == 6 || field == 11) return Message::graph;
            if (field == 22 || field == 23) return Message::sparse;
            break;
        case Message::sparse:
            if (field == 1 || field == 2) return Message::tensor;
            break;
        case Message::tensor:
            if (field == 13) return Message::entry;
            break;
        case Message::entry:
            break;
    }
    return std::nullopt;
}

/// A part of the file.
struct Span {
    const std::uint8_t* begin;
    const std::uint8_t* end;

    std::size_t size() const { return static_cast<std::size_t>(end - begin); }
    std::string text() const { return {begin, end}; }
};

/// A number of 7 bits a byte, lowest first; the span then begins behind it.
std::uint64_t take_varint(Span& rest) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70 && rest.begin < rest.end; shift += 7) {
        const std::uint8_t byte = *rest.begin++;
        if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    throw std::runtime_error("a number that does not end");
}

/// Calls `visit` with the number and content of each field of a message that has a length.
void each_field(Span rest, const std::function<void(std::uint64_t, Span)>& visit) {
    constexpr int varint = 0, eight_bytes = 1, with_length = 2, four_bytes = 5;
    while (rest.begin < rest.end) {
        const std::uint64_t tag = take_varint(rest);
        const int wire = static_cast<int>(tag & 7);
        std::uint64_t length = 0;
        if (wire == varint)
            take_varint(rest);
        else if (wire == with_length)
            length = take_varint(rest);
        else if (wire == eight_bytes || wire == four_bytes)
            length = wire == eight_bytes ? 8 : 4;
        else
            throw std::runtime_error("unknown wire type " + std::to_string(wire));
        if (length > rest.size()) throw std::runtime_error("a field that reaches beyond its message");
        const Span field{rest.begin, rest.begin + length};
        rest.begin = field.end;
        if (wire == with_length) visit(tag >> 3, field);
    }
}

void collect(Span content, Message message, int depth, std::set<std::string>& found) {
    if (depth > max_depth) throw std::runtime_error("messages nested more than " + std::to_string(max_depth) + " deep");
    if (message == Message::entry) {
        std::string key, value;
        each_field(content, [&](std::uint64_t number, Span field) {
            if (number == 1) key = field.text();
            if (number == 2) value = field.text();
        });
        if (key == "location") found.insert(value);
        return;
    }
    each_field(content, [&](std::uint64_t number, Span field) {
        if (const auto inner = kind_of(message, number)) collect(field, *inner, depth + 1, found);
    });
}

}  // namespace

std::set<std::string> external_files(const Bytes& onnx) {
    std::set<std::string> found;
    collect({onnx.data(), onnx.data() + onnx.size()}, Message::model, 0, found);
    return found;
}

}  // namespace reseen
