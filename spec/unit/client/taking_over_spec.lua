-- Who takes a store over reads what the former client has written: the first read waits for that, where nobody minds.
local cache = require "appsync.client.cache"
local core = require "appsync.core"
local nginx = require "appsync.nginx"

describe("a store's part that another client had until now", function()
  local KEY = "/nowhere/a.db\np\n"
  local asked, root

  -- That has let go, and isn't closed yet.
  local former = { has_let_go = function() return true end }

  before_each(function()
    asked = {}
    local core_client = { cache = function(_, options) asked[#asked + 1] = options.follows or false return {} end }
    root = {
      settings = { cache = { path = "/nowhere/a.db", key_prefix = "p" } },
      open = function() return core_client end,
      own_identity = function() return "" end,
    }
    core.claims[KEY] = { root = former }
  end)
  after_each(function() core.claims[KEY] = nil end)

  local function open() assert(cache.open({ root = root }, "here")) end

  it("is waited for once", function()
    open()
    open()
    assert.same({ true, false }, asked)
  end)

  it("isn't waited for in a worker of nginx, which would serve nobody meanwhile", function()
    local was_here = nginx.is_here
    nginx.is_here = true
    local ok, why = pcall(open)
    nginx.is_here = was_here
    assert(ok, why)
    assert.same({ false }, asked)
  end)

  it("isn't waited for where that one is closed", function()
    core.claims[KEY] = { root = { is_closed = true, has_let_go = former.has_let_go } }
    open()
    assert.same({ false }, asked)
  end)
end)
