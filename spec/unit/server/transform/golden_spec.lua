local core = require "appsync.core"
local introspect = require "appsync.server.graphql.introspect"
local load_schema = require "appsync.server.transform.load"
local print_schema = require "appsync.server.graphql.print_schema"

local FOLDER = debug.getinfo(1, "S").source:match("^@(.*/)[^/]*$") .. "golden/"

local NAMES = {}
for name in ([[
auth_default_mode auth_fields auth_operations auth_owners belongs_to custom_operations custom_roots defaults disabled enums functions
auth_unread v1_auth_unread sandbox_operations v1_few_operations v1_mutations_alone v1_no_operations no_models
has_many has_many_custom_key has_many_index has_one has_one_fields indexes levels long_names searchable searchable_auth searchable_sandbox many_to_many many_to_many_auth
function_auth function_auth_default_pool v1_function_auth minimal no_id objects primary_key primary_key_disabled references renamed s3object sample sandbox sandbox_custom
disabled_related renamed_auth nested_auth iam_default lambda_default owner_key extended v1_related
small_letters small_letters_related small_letters_auth v1_small_letters v1_small_letters_auth composite_parts v1_composite_parts
has_many_sorted id_types v1_id_types v1_auth_unspoken v1_auth_unspoken_default v1_auth_key_owner v1_sort_fields
v1_sort_fields_named v1_key_fields flag_whole_maps flag_old_keys v1_flags v1_plain v1_plain_auth
v1_extended v1_timestamps public_shop v1_public_chat v1_public_projects v1_auth_default_pool auth_all_modes many_to_many_rules v1_auth_conditions
sandbox_default scalars self_relation v1_auth v1_auth_fields v1_maps v1_connections v1_functions v1_keys v1_model v1_posts
v1_searchable v1_searchable_auth v1_versioned
conflict_auth conflict_auth_fields conflict_custom conflict_default_modes conflict_indexes conflict_keys conflict_many_to_many
conflict_minimal conflict_mixed conflict_names conflict_operations conflict_relations conflict_sandbox conflict_searchable conflict_v1_searchable conflict_timestamps
conflict_values conflict_v1 conflict_v1_auth conflict_v1_maps conflict_v1_mixed
conflict_related conflict_small_letters conflict_v1_small_letters conflict_whole_maps
]]):gmatch("%S+") do NAMES[#NAMES + 1] = name end

local function read(name)
  local file = assert(io.open(FOLDER .. name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function type_text(node)
  if node.kind == "NonNullType" then return type_text(node.type) .. "!" end
  if node.kind == "ListType" then return "[" .. type_text(node.type) .. "]" end
  return node.name
end

local function sorted(list)
  table.sort(list)
  return list
end

local function directive_texts(list)
  local out = {}
  for i, directive in ipairs(list or {}) do
    local args = {}
    for j, argument in ipairs(directive.arguments) do
      args[j] = argument.name .. ": " .. introspect.literal_text(argument.value)
    end
    out[i] = " @" .. directive.name .. (#args > 0 and "(" .. table.concat(args, ", ") .. ")" or "")
  end
  return table.concat(sorted(out))
end

local function value_text(node)
  return node.name .. ": " .. type_text(node.type)
    .. (node.defaultValue and " = " .. introspect.literal_text(node.defaultValue) or "") .. directive_texts(node.directives)
end

local function field_text(node)
  if node.kind == "InputValueDefinition" then return value_text(node) end
  local args = {}
  for i, argument in ipairs(node.arguments) do args[i] = value_text(argument) end
  return node.name .. "(" .. table.concat(args, ", ") .. "): " .. type_text(node.type) .. directive_texts(node.directives)
end

-- A line for each member of each type: what a client can tell, without the order of types and of fields.
local function lines_of(sdl)
  local lines = {}
  for _, node in ipairs(assert(core.parse(sdl)).definitions) do
    local head = node.kind:gsub("Extension$", "Definition") .. " " .. (node.name or "")
    if node.kind ~= "SchemaDefinition" then lines[#lines + 1] = head .. directive_texts(node.directives) end
    for _, field in ipairs(node.fields or {}) do lines[#lines + 1] = head .. " { " .. field_text(field) end
    for _, value in ipairs(node.values or {}) do lines[#lines + 1] = head .. " { " .. value.name end
    for _, name in ipairs(node.types or {}) do lines[#lines + 1] = head .. " = " .. name end
    for _, name in ipairs(node.interfaces or {}) do lines[#lines + 1] = head .. " implements " .. name end
  end
  return sorted(lines)
end

-- What is in one list and not in the other, each with its sign.
local function differences(expected, actual)
  local counts, out = {}, {}
  for _, line in ipairs(expected) do counts[line] = (counts[line] or 0) - 1 end
  for _, line in ipairs(actual) do counts[line] = (counts[line] or 0) + 1 end
  for line, n in pairs(counts) do
    if n ~= 0 then out[#out + 1] = (n < 0 and "- " or "+ ") .. line end
  end
  return table.concat(sorted(out), "\n")
end

local function modes_of(source)
  local modes = { additional = {} }
  for mode in source:match("# modes: ([^\n]*)"):gmatch("%S+") do
    if modes.default then table.insert(modes.additional, mode) else modes.default = mode end
  end
  return modes
end

-- What its first lines say of the transformer.
local function transformer_of(source)
  local flags = {}
  for name, value in (source:match("# flags: ([^\n]*)") or ""):gmatch("(%S+)=(%S+)") do flags[name:lower()] = value == "true" end
  return { version = tonumber(source:match("# transformer: (%d)")), flags = flags }
end

-- "AUTOMERGE Post=LAMBDA": the handler of all models, and of single ones.
local function conflict_of(source)
  local words = source:match("# conflict: ([^\n]*)")
  if not words then return nil end
  local settings = { models = {} }
  for word in words:gmatch("%S+") do
    local name, handler = word:match("^(.*)=(.*)$")
    if name then settings.models[name] = { handler = handler } else settings.handler = word end
  end
  return settings
end

-- Amplify adds this one to each API, whether it has conversations or not.
local function without_conversations(sdl)
  return (sdl:gsub("input AmplifyAIConversationTurnErrorInput {.-\n}\n", ""))
end

-- In a sandbox Amplify opens what isn't a model's to IAM alone, whether the API has IAM or not. Here the default mode may
-- use it.
local function with_default_mode(sdl)
  return (sdl:gsub(" @aws_iam", ""))
end

local DIFFERENCES = { sandbox = with_default_mode, sandbox_custom = with_default_mode, conflict_sandbox = with_default_mode }

describe("The official transformer's output is ours for", function()
  for _, name in ipairs(NAMES) do
    it(name, function()
      local source = read(name .. ".source.graphql")
      local s, err = load_schema(source, {
        modes = modes_of(source), conflict = conflict_of(source), transformer = transformer_of(source),
      })
      assert(s, err and err.message)
      local sdl = without_conversations(read(name .. ".expected.graphql"))
      local expected = lines_of(DIFFERENCES[name] and DIFFERENCES[name](sdl) or sdl)
      assert.equal("", differences(expected, lines_of(print_schema(s))))
    end)
  end
end)

-- Some only when the official one makes resolvers of them, behind the schema.
local REFUSED = {
  "refused_boolean_index", "refused_boolean_sort", "refused_v1_boolean_key", "refused_auth_identity_field",
  "refused_auth_queries", "refused_v1_auth_claims", "refused_v1_auth_custom", "refused_v1_auth_field",
  "refused_v1_auth_operations", "refused_v1_auth_provider", "refused_conflict_relations", "refused_conflict_relations_single",
}

describe("What the official transformer refuses is refused", function()
  for _, name in ipairs(REFUSED) do
    it(name, function()
      local source = read(name .. ".source.graphql")
      assert.matches("^# refused: ", read(name .. ".expected.graphql"))
      local s, err = load_schema(source, {
        modes = modes_of(source), conflict = conflict_of(source), transformer = transformer_of(source),
      })
      assert.is_nil(s)
      assert.is_number(err.line)
    end)
  end
end)
