---The directives of Amplify that a source schema may use, as SDL (Amplify documentation, "GraphQL Transform directives";
---those of its first version too). They are gone from the schema that is served.
local definitions = {}

definitions.SDL = [[
directive @model(
  queries: ModelQueryMap, mutations: ModelMutationMap, subscriptions: ModelSubscriptionMap, timestamps: TimestampConfiguration
) on OBJECT
input ModelQueryMap { get: String list: String }
input ModelMutationMap { create: String update: String delete: String }
input ModelSubscriptionMap { onCreate: [String] onUpdate: [String] onDelete: [String] level: ModelSubscriptionLevel }
enum ModelSubscriptionLevel { off public on }
input TimestampConfiguration { createdAt: String updatedAt: String }

directive @primaryKey(sortKeyFields: [String!]) on FIELD_DEFINITION
directive @index(name: String, sortKeyFields: [String!], queryField: String, projection: ProjectionInput)
  repeatable on FIELD_DEFINITION
input ProjectionInput { type: ProjectionType nonKeyAttributes: [String!] }
enum ProjectionType { ALL KEYS_ONLY INCLUDE }
directive @key(name: String, fields: [String!]!, queryField: String) repeatable on OBJECT

directive @hasOne(fields: [String!], references: [String!]) on FIELD_DEFINITION
directive @hasMany(indexName: String, fields: [String!], references: [String!], limit: Int) on FIELD_DEFINITION
directive @belongsTo(fields: [String!], references: [String!], overrideIndexName: String) on FIELD_DEFINITION
directive @manyToMany(relationName: String!, limit: Int) on FIELD_DEFINITION
directive @connection(
  name: String, keyField: String, sortField: String, keyName: String, limit: Int, fields: [String!]
) on FIELD_DEFINITION

directive @default(value: String) on FIELD_DEFINITION
directive @versioned(versionField: String, versionInput: String) on OBJECT

directive @auth(rules: [AuthRule!]!) on OBJECT | FIELD_DEFINITION
input AuthRule {
  allow: AuthStrategy! provider: AuthProvider identityClaim: String identityField: String groupClaim: String
  ownerField: String groupsField: String groups: [String!] operations: [ModelOperation!]
  queries: [ModelQuery!] mutations: [ModelMutation!]
}
enum AuthStrategy { owner groups private public custom }
enum AuthProvider { apiKey iam identityPool oidc userPools function }
enum ModelOperation { create update delete read list get sync listen search }
enum ModelQuery { get list }
enum ModelMutation { create update delete }
]]

---Those that a plug-in of the same name may give another meaning, each as SDL of its own: `own` of `definitions.documents`.
definitions.REPLACEABLE = {
  ["function"] = [[
directive @function(name: String!, region: String, accountId: String, invocationType: InvocationType)
  repeatable on FIELD_DEFINITION
enum InvocationType { RequestResponse Event }
]],
  searchable = [[
directive @searchable(queries: SearchableQueryMap) on OBJECT
input SearchableQueryMap { search: String }
]],
}

---The SDL of all supported directives.
---@param own table<string, true>? names that plug-ins have
---@return string[]
function definitions.all(own)
  local texts = { definitions.SDL }
  for name, text in pairs(definitions.REPLACEABLE) do
    if not (own and own[name]) then texts[#texts + 1] = text end
  end
  return texts
end

---The unsupported directives. If ignored, they would leave data unvalidated or unrelated.
definitions.UNSUPPORTED = {
  http = true, predictions = true, mapsTo = true, refersTo = true, sql = true,
  validate = true, conversation = true, generation = true,
  -- Those of merged APIs (AppSync Developer Guide, "Merged API directives").
  canonical = true, hidden = true, renamed = true,
}

---Which of them tell the version of the transformer that a schema was written for. A schema that has some of the first
---version and none of the second gets the first one's names and types.
definitions.VERSION_1 = { key = true, connection = true, versioned = true }
definitions.VERSION_2 = {
  primaryKey = true, index = true, hasOne = true, hasMany = true, belongsTo = true, manyToMany = true, default = true,
}

---The same of the arguments of @auth's rules, which the second version has none of.
definitions.RULES_OF_VERSION_1 = { identityField = true, queries = true, mutations = true }

---Those that only mean something on a model, and on a model's field.
definitions.OF_TYPES = { key = true, versioned = true, searchable = true }
definitions.OF_FIELDS = {
  primaryKey = true, index = true, hasOne = true, hasMany = true, belongsTo = true, manyToMany = true, default = true,
  connection = true,
}

return definitions
