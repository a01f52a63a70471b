-- Pages that neither an `id` nor an `_id` identifies, on the local server: `client`, `running` and `logged` are those of the
-- present test.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local pages = { n_stores = 0, logged = {} }

local SCHEMA = [[
type Page { slug: String! lang: String! title: String! author: Author parts: [Part!] }
type Author { name: String! }
type Part { id: ID! text: String! }
type Shelf { pages: [Page!]! nextToken: String }
type Query {
  page(slug: String!, lang: String!): Page
  shelf(n: Int!): Shelf
  feed(kind: String, offset: Int, limit: Int): [Page!]!
  book(nextToken: String, limit: Int): Shelf
}
type Mutation { setPage(slug: String!, lang: String!, title: String!): Page }
type Subscription { onSetPage: Page @aws_subscribe(mutations: ["setPage"]) }
]]

local RESOLVERS = [[
local titles = {}
local function page(slug, lang)
  return { slug = slug, lang = lang, title = titles[slug .. lang] or "page " .. slug, author = { name = "Ann" },
    parts = { { id = "p" .. slug, text = "part" } } }
end
local function range(from, to)
  local list = {}
  for i = from, to do list[#list + 1] = page("s" .. i, "en") end
  return list
end
return {
  Query = {
    page = function(context) return page(context.arguments.slug, context.arguments.lang) end,
    shelf = function(context) return { pages = range(1, context.arguments.n) } end,
    feed = function(context)
      local offset = context.arguments.offset or 0
      return range(offset + 1, offset + (context.arguments.limit or 2))
    end,
    book = function(context)
      local from = tonumber(context.arguments.nextToken) or 1
      local to = from + (context.arguments.limit or 2) - 1
      return { pages = range(from, to), nextToken = tostring(to) }
    end,
  },
  Mutation = {
    setPage = function(context)
      local given = context.arguments
      titles[given.slug .. given.lang] = given.title
      return page(given.slug, given.lang)
    end,
  },
}
]]

pages.PAGE = "query P($slug: String!) { page(slug: $slug, lang: \"en\") { slug lang title author { name } parts { id text } } }"
pages.SHELF = "query S($n: Int!) { shelf(n: $n) { pages { slug lang title } } }"
pages.SET = "mutation M($slug: String!, $title: String!) { setPage(slug: $slug, lang: \"en\", title: $title) { slug lang title } }"
pages.ON_SET = "subscription { onSetPage { slug lang title } }"
pages.TITLE = "fragment T on Page { title }"

local made

--- "Page:s1/en"; other types as they would be without a function.
function pages.key_of(object)
  if object.__typename == "Page" then return ("Page:%s/%s"):format(object.slug, object.lang) end
  return object.id and object.__typename .. ":" .. object.id
end

function pages.page(slug, title)
  return { __typename = "Page", slug = slug, lang = "en", title = title }
end

--- A client with a store of its own, unless one is given.
function pages.connect(options)
  options = options or {}
  pages.n_stores, pages.logged = pages.n_stores + 1, {}
  options.endpoint, options.realtime_endpoint = pages.running.endpoint, pages.running.realtime
  options.auth = { type = "API_KEY", api_key = server.API_KEY }
  if options.store == nil then options.store = ("%s/%d.db"):format(made.path, pages.n_stores) end
  if not options.cacheOptions and not options.dataIdFromObject and options.data_id_from_object == nil then options.data_id_from_object = pages.key_of end
  local logged = pages.logged
  options.log = function(level, message) logged[#logged + 1] = level .. ": " .. message end
  pages.client = assert(appsync.client(options))
  return pages.client, options.store
end

function pages.start()
  made = made or folder.make()
  pages.running = pages.running or server.start{ schema = SCHEMA, resolvers = RESOLVERS }
end

function pages.close()
  pages.client:close(0)
end

function pages.finish()
  pages.running = nil
  process.stop_all()
  made.remove()
  made = nil
end

--- The title that the record has; nil: there is none.
function pages.title(slug)
  local data = pages.client:read_fragment(("Page:%s/en"):format(slug), pages.TITLE)
  return data and data.title
end

return pages
