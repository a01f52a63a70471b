---Where AWS credentials come from. A provider is any table with `:get()`, which returns
---`{access_key_id, secret_access_key, session_token?, expires_at?}` or `nil, err`.
local auth = {
  static = require "appsync.auth.static",
  environment = require "appsync.auth.environment",
  shared_file = require "appsync.auth.shared_file",
  chain = require "appsync.auth.chain",
  region = require "appsync.auth.region",
}

return auth
