#include "dataset/truth.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/files.h"

namespace tf2::dataset {
namespace {

using Json = nlohmann::json;

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<double> Number(const Json& object, const char* key) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || it == object.end() || !it->is_number())
    return DataLoss("it has no number \"{}\"", key);
  const double v = it->get<double>();
  if (!(std::fabs(v) < 1e15)) return DataLoss("\"{}\" is {}", key, v);
  return v;
}

Result<std::int64_t> Whole(const Json& object, const char* key) {
  TF2_ASSIGN_OR_RETURN(const double v, Number(object, key));
  if (v != std::floor(v)) return DataLoss("\"{}\" is {}, not a whole number", key, v);
  return static_cast<std::int64_t>(v);
}

bool IsSet(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() &&
         ((it->is_number() && it->get<double>() != 0) || (it->is_boolean() && it->get<bool>()));
}

Result<const Json*> List(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_array())
    return WithHint(DataLoss("it has no list \"{}\"", key),
                    "docs/howto/evaluate.md states the format");
  return &*it;
}

Result<TrueBox> ParseAnnotation(const Json& a, const std::map<std::int64_t, std::int64_t>& images) {
  TF2_ASSIGN_OR_RETURN(const std::int64_t id, Whole(a, "image_id"));
  const auto image = images.find(id);
  if (image == images.end()) return DataLoss("no image has the id {}", id);
  TF2_ASSIGN_OR_RETURN(const std::int64_t category, Whole(a, "category_id"));
  if (std::abs(category) > 1 << 30) return DataLoss("category_id is {}", category);
  const auto box = a.find("bbox");
  if (box == a.end() || !box->is_array() || box->size() != 4 ||
      !std::all_of(box->begin(), box->end(), [](const Json& v) { return v.is_number(); }))
    return DataLoss("bbox is not [x, y, width, height]");
  const double x = (*box)[0].get<double>();
  const double y = (*box)[1].get<double>();
  return TrueBox{.image = image->second,
                 .category = static_cast<int>(category),
                 .box = {x, y, x + (*box)[2].get<double>(), y + (*box)[3].get<double>()},
                 .ignore = IsSet(a, "ignore"),
                 .crowd = IsSet(a, "iscrowd")};
}

bool IsSize(double pixels) { return pixels >= 0 && pixels < 1e9; }

// The text between <tag> and </tag> from `at` on, which moves behind it; nothing where it is not.
std::optional<std::string_view> NextElement(std::string_view xml, const std::string& tag,
                                            std::size_t& at) {
  const std::string open = "<" + tag + ">";
  const std::string close = "</" + tag + ">";
  const std::size_t begin = xml.find(open, at);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  at = end + close.size();
  return xml.substr(begin + open.size(), end - begin - open.size());
}

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Result<std::string> Text(std::string_view xml, const std::string& tag) {
  std::size_t at = 0;
  const auto text = NextElement(xml, tag, at);
  if (!text) return DataLoss("<{}> is missing", tag);
  return std::string(Trim(*text));
}

Result<double> XmlNumber(std::string_view xml, const std::string& tag) {
  TF2_ASSIGN_OR_RETURN(const std::string text, Text(xml, tag));
  double v = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (ec != std::errc() || end != text.data() + text.size() || !std::isfinite(v))
    return DataLoss("<{}> is \"{}\", not a number", tag, text);
  return v;
}

// VOC's corners count from 1 and belong to the box.
Result<TrueBox> ParseObject(std::string_view object, std::vector<std::string>& names) {
  TF2_ASSIGN_OR_RETURN(const std::string name, Text(object, "name"));
  std::size_t at = 0;
  const auto bounds = NextElement(object, "bndbox", at);
  if (!bounds) return DataLoss("an object has no <bndbox>");
  TF2_ASSIGN_OR_RETURN(const double x0, XmlNumber(*bounds, "xmin"));
  TF2_ASSIGN_OR_RETURN(const double y0, XmlNumber(*bounds, "ymin"));
  TF2_ASSIGN_OR_RETURN(const double x1, XmlNumber(*bounds, "xmax"));
  TF2_ASSIGN_OR_RETURN(const double y1, XmlNumber(*bounds, "ymax"));
  auto known = std::find(names.begin(), names.end(), name);
  if (known == names.end()) known = names.insert(names.end(), name);
  const auto difficult = Text(object, "difficult");
  return TrueBox{.category = static_cast<int>(known - names.begin()),
                 .box = {x0 - 1, y0 - 1, x1, y1},
                 .ignore = difficult.ok() && *difficult == "1"};
}

// Turns COCO's numbers of categories into the places of their names in `labels`.
Status UseLabels(const std::vector<std::string>& labels, Truth& truth) {
  std::map<int, int> numbers;
  std::map<int, std::string> categories;
  for (const auto& [category, name] : truth.categories) {
    const auto at = std::find(labels.begin(), labels.end(), name);
    if (at == labels.end()) continue;
    numbers[category] = static_cast<int>(at - labels.begin());
    categories[numbers[category]] = name;
  }
  for (TrueBox& box : truth.boxes) {
    const auto it = numbers.find(box.category);
    if (it == numbers.end())
      return WithHint(InvalidArgument("category {} has no name among the labels", box.category),
                      "the names of its \"categories\" must be those of --labels");
    box.category = it->second;
  }
  truth.categories = std::move(categories);
  return {};
}

// Turns the places in `names` into the numbers of the classes.
Status NumberCategories(const std::vector<std::string>& names,
                        const std::vector<std::string>& labels, Truth& truth) {
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> numbers;
  for (const std::string& name : names) {
    const std::vector<std::string>& list = labels.empty() ? sorted : labels;
    const auto at = std::find(list.begin(), list.end(), name);
    if (at == list.end())
      return WithHint(InvalidArgument("no class is called \"{}\"", name),
                      "give the names of the network's classes with --labels");
    numbers.push_back(static_cast<int>(at - list.begin()) + (labels.empty() ? 1 : 0));
    truth.categories[numbers.back()] = name;
  }
  for (TrueBox& box : truth.boxes) box.category = numbers[static_cast<std::size_t>(box.category)];
  return {};
}

Result<Truth> ReadVocFolder(const std::string& path, const std::vector<std::string>& labels) {
  TF2_ASSIGN_OR_RETURN(std::vector<std::string> files, ListDirectory(path));
  std::erase_if(files, [](const std::string& f) { return !f.ends_with(".xml"); });
  std::sort(files.begin(), files.end());
  if (files.empty()) return NotFound("{}: the folder has no .xml files", path);
  Truth truth;
  std::vector<std::string> names;
  for (const std::string& file : files) {
    const std::string whole = fmt::format("{}/{}", path, file);
    TF2_ASSIGN_OR_RETURN(const std::string xml, ReadTextFile(whole));
    if (Status s = ParseVoc(xml, truth, names); !s.ok()) return std::move(s.error()).At(whole);
  }
  if (Status s = NumberCategories(names, labels, truth); !s.ok())
    return std::move(s.error()).At(path);
  return truth;
}

}  // namespace

Result<Truth> ParseCoco(std::string_view json) {
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return DataLoss("this is no JSON object");
  Truth truth;
  std::map<std::int64_t, std::int64_t> images;
  TF2_ASSIGN_OR_RETURN(const Json* images_list, List(root, "images"));
  const Json& pictures = *images_list;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto where = [i](Error e) { return std::move(e).At(fmt::format("images[{}]", i)); };
    auto id = Whole(pictures[i], "id");
    if (!id.ok()) return where(id.error());
    auto width = Whole(pictures[i], "width");
    auto height = Whole(pictures[i], "height");
    if (!width.ok()) return where(width.error());
    if (!height.ok()) return where(height.error());
    if (!IsSize(*width) || !IsSize(*height))
      return where(DataLoss("its size is {} x {}", *width, *height));
    const auto name = pictures[i].find("file_name");
    if (name == pictures[i].end() || !name->is_string())
      return where(DataLoss("it has no \"file_name\""));
    if (!images.emplace(*id, static_cast<std::int64_t>(i)).second)
      return where(DataLoss("another image has the id {}", *id));
    truth.pictures.push_back({BaseName(name->get<std::string>()), *width, *height});
  }
  TF2_ASSIGN_OR_RETURN(const Json* annotations, List(root, "annotations"));
  for (std::size_t i = 0; i < annotations->size(); ++i) {
    auto box = ParseAnnotation((*annotations)[i], images);
    if (!box.ok()) return std::move(box.error()).At(fmt::format("annotations[{}]", i));
    truth.boxes.push_back(*box);
  }
  if (const auto it = root.find("categories"); it != root.end() && it->is_array()) {
    for (const Json& c : *it) {
      const auto id = Whole(c, "id");
      const auto name = c.is_object() ? c.find("name") : c.end();
      if (id.ok() && c.is_object() && name != c.end() && name->is_string())
        truth.categories[static_cast<int>(*id)] = name->get<std::string>();
    }
  }
  return truth;
}

Status ParseVoc(std::string_view xml, Truth& truth, std::vector<std::string>& category_names) {
  if (xml.find("<annotation") == std::string_view::npos)
    return DataLoss("this is no VOC annotation");
  TruePicture picture;
  TF2_ASSIGN_OR_RETURN(const std::string file, Text(xml, "filename"));
  picture.file_name = BaseName(file);
  std::size_t at = 0;
  const auto size = NextElement(xml, "size", at);
  if (!size) return DataLoss("<size> is missing");
  TF2_ASSIGN_OR_RETURN(const double width, XmlNumber(*size, "width"));
  TF2_ASSIGN_OR_RETURN(const double height, XmlNumber(*size, "height"));
  if (!IsSize(width) || !IsSize(height)) return DataLoss("<size> is {} x {}", width, height);
  picture.width = static_cast<std::int64_t>(width);
  picture.height = static_cast<std::int64_t>(height);
  truth.pictures.push_back(std::move(picture));
  at = 0;
  while (const auto object = NextElement(xml, "object", at)) {
    TF2_ASSIGN_OR_RETURN(TrueBox box, ParseObject(*object, category_names));
    box.image = static_cast<std::int64_t>(truth.pictures.size()) - 1;
    truth.boxes.push_back(box);
  }
  return {};
}

Result<Truth> ReadTruth(const std::string& path, const std::vector<std::string>& labels) {
  if (IsDirectory(path)) return ReadVocFolder(path, labels);
  TF2_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  auto truth = ParseCoco(text);
  if (!truth.ok()) return std::move(truth.error()).At(path);
  if (labels.empty()) return truth;
  if (Status s = UseLabels(labels, *truth); !s.ok()) return std::move(s.error()).At(path);
  return truth;
}

}  // namespace tf2::dataset
