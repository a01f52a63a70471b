-- Schemas with resolvers that several specs serve.
local services = {}

--- Fields that give, echo, lack or fail.
services.values = {
  schema = [[
type Todo { id: ID! name: String priority: Int }
type Query {
  one: Int
  none: Int
  fails: Int
  refused: Int
  two: Int
  echo(value: AWSJSON): AWSJSON
  todos: [Todo]
  text(value: String): String
  number(value: Float): Float
}
type Mutation { touch(n: Int): Int }
]],
  resolvers = [[
return {
  Query = {
    one = function() return 1 end,
    two = function() return 2 end,
    none = function() return nil end,
    fails = function() error({ message = "it failed", errorType = "Broken" }) end,
    echo = function(context) return context.arguments.value end,
    text = function(context) return context.arguments.value end,
    number = function(context) return context.arguments.value end,
    todos = function() return require("appsync").array{} end,
  },
  Mutation = { touch = function(context) return context.arguments.n end },
}
]],
}

--- Notes with a subscription, in every mode; `who` tells a request's header; a Lambda token is good when it begins with "good-".
services.notes = {
  schema = [[
type Note @aws_api_key @aws_iam @aws_oidc @aws_lambda { text: String }
type Who @aws_api_key @aws_iam @aws_oidc @aws_lambda { header: String type: String }
type Query { one: Int @aws_api_key @aws_iam @aws_oidc @aws_lambda who(name: String): Who @aws_api_key @aws_iam @aws_oidc @aws_lambda }
type Mutation { note(text: String): Note @aws_api_key @aws_iam @aws_oidc @aws_lambda }
type Subscription { onNote: Note @aws_subscribe(mutations: ["note"]) @aws_api_key @aws_iam @aws_oidc @aws_lambda }
]],
  resolvers = [[
return {
  Query = {
    one = function() return 1 end,
    who = function(context) return { header = context.request.headers[context.arguments.name or "x-who"] } end,
  },
  Mutation = { note = function(context) return { text = context.arguments.text } end },
  authorizer = function(token) return { isAuthorized = token:sub(1, 5) == "good-" } end,
}
]],
}

return services
