---@meta
-- What the C module gives of a cache (`core.lua` has the rest): what is read, written, watched, and what functions of the
-- application are asked.

---What a cache reads again and again. Throws once the client is closed.
---@class appsync.core.Reading
local reading = {}

---As `read` of the cache.
---@param variables table?
---@param partial boolean?
---@param key string?
---@param max_bytes number?
---@return any data, string[]? missing, appsync.core.Err? err, boolean? has_expired, boolean? is_large
function reading:read(variables, partial, key, max_bytes) end
---Lets go of the memory that it keeps, of which the garbage collector knows nothing; the next `read` takes it anew.
function reading:rest() end

---The reader of one partition. Throws once the client is closed.
---@class appsync.core.Cache
local cache = {}

---@return integer id for `cached` of `execute` and `subscribe`
function cache:id() end

---Asks whether its store could be opened: a RESULT with this number says `true`, or why not.
---@return integer? op
---@return appsync.core.Err? err after a fork of kind "usage"
function cache:look() end

---Reads what is kept, without waiting. Without `partial` there is no data where something of it is missing. What was
---written by the methods below is read at once.
---@param call {document: appsync.core.Document, operation_name: string?, fragment: string?, key: string?, variables: table?, partial: boolean?, max_bytes: number?, exact: boolean?} exact: by temporary ids, where they were given; otherwise the service's are looked for first; key: of a fragment's record, "Todo:1"
---@return any data
---@return string[]? missing paths, such as "listPosts.items.3.title"; nil: nothing is
---@return appsync.core.Err? err the store can't be read; after a fork of kind "usage"
---@return boolean? has_expired some record of it is older than its type's ttl
---@return boolean? is_large it has more than `max_bytes`: there is nothing else then
function cache:read(call) end
---What is read again and again: a reading, which keeps what the operation or the fragment selects prepared.
---@param call {document: appsync.core.Document, operation_name: string?, fragment: string?}
---@return appsync.core.Reading
function cache:prepare(call) end

---Whether `made_id` may know any.
---@return boolean? has_any, appsync.core.Err? err
function cache:has_ids() end
---The id that the service has given in the place of one that the application made.
---@param temporary string
---@return string? id nil: there is none, or the same one, appsync.core.Err? err
function cache:made_id(temporary) end
---The key of a record by the service's ids.
---@param key string such as "Todo:1"
---@return string? key nil: there is none, or the same one, appsync.core.Err? err
function cache:made_key(key) end

---What a read of a query finds and what it lacks.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?}
---@return appsync.Explanation? explanation, appsync.core.Err? err as of `read`
function cache:explain(call) end

---Which fields that a query selects of an object lead to other objects, and by what name the cache has them: two texts for
---each in the order of the response, its response key and the field with its arguments, as of `cache:field`.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?}
---@param keys string[] response keys that lead from the root to the object
---@param types string[] of each key the __typename of the object that it leads to; "": unknown
---@return string[]? fields none where the keys lead to no object, appsync.core.Err? err
function cache:object_fields(call, keys, types) end

---Everything is nowhere from now on; the core does it in its turn. Throws between `begin` and its end.
---@return true? ok, appsync.core.Err? err
function cache:clear() end
---The same; a RESULT comes when nothing of it is left in the file.
---@return integer? op, appsync.core.Err? err
function cache:wipe() end
---What can't be reached leaves. The RESULT has the number of records that have.
---@return integer? op, appsync.core.Err? err
function cache:collect() end
---What a query reaches stays, until it is released or the cache closes.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?}
---@return integer? retention, appsync.core.Err? err as of `execute`
function cache:retain(call) end
---Unknown ones are ignored, and all of them once the client is closed. Never throws.
---@param retention integer
function cache:release(retention) end

---Writes data of an operation, or of the fragment of this name, whose record is at `key`. Like all that writes: it is read
---here at once, and committed by the core; what can't be committed is logged, and then read no more.
---@param call {document: appsync.core.Document, operation_name: string?, fragment: string?, key: string?, variables: table?, data: any, objects: appsync.core.Objects?, merges: appsync.core.Merges?}
---@return true? ok
---@return appsync.core.Err? err of kind "usage": the data hasn't the shape of the document, with the path
function cache:write(call) end
---Empty, for `write`, which fails with code "asked" as long as some of them are open.
---@return appsync.core.Merges
function cache:merges() end
---Those of data that is to be written whose identity the application tells: `write` takes them, and what was told, instead of
---the data.
---@param call table of `write`
---@return appsync.core.Objects? objects nil: there are none
---@return appsync.core.Err? err as of `write`
function cache:objects(call) end
---All fields of a record that have this name, or the one with these arguments: three items for each, the field with its
---arguments, whether it is an entry of its own, and its value, with `__ref`, `__list`, `__json` and `__fields` as in
---csrc/cache/edit_value.h.
---@param key string
---@param field string
---@return any[]? fields, appsync.core.Err? err
function cache:field(key, field) end
---Gives one of them another value, in the same form; `__edits` and `__fields` too.
---@param key string
---@param field string
---@param is_apart boolean
---@param value any nil takes the field away
---@return true? ok, appsync.core.Err? err
function cache:set(key, field, is_apart, value) end
---@param key string
---@param field string? nil: the record
---@return true? ok, appsync.core.Err? err
function cache:evict(key, field) end
---@param object table
---@return string? key nil: it has none
function cache:identify(object) end


---What is written from now on belongs together, until as many `commit`s, or one `drop`, `add_layer` or `settle_layer`.
---@param is_hoped boolean? of the first one: it is an optimistic layer, and is read with all others; else it is for good, and
---what is read in between is what is there without optimistic layers
---@return integer? depth how many are open now, appsync.core.Err? err
function cache:begin(is_hoped) end
---@return true? ok, appsync.core.Err? err then nothing of it was written
function cache:commit() end
---Takes back what was written since the first `begin`, and ends it.
function cache:drop() end

---What was written since `begin` is an optimistic layer above all others, also one that says nothing.
---@return integer? layer, appsync.core.Err? err then there is none
function cache:add_layer() end
---The layer leaves, and what was written since `begin`, if that was called, is kept, in one.
---@param layer integer? nil: there was none
---@return true? ok nil: there is nothing to do for it, appsync.core.Err? err
function cache:settle_layer(layer) end

---@return integer n changes that own writes have made to what is read here
function cache:mark() end
---@param n integer of `mark`
---@return string[] changes "Post:1.title", or the entry of a field with arguments
function cache:changes_since(n) end

---The fields of a response, or of data, that functions of the application merge.
---@class appsync.core.Merges
local merges = {}

---@return integer n
function merges:count() end
---@param i integer from 1
---@return string? field "Query.listPosts"; nil: it was asked for already
function merges:open(i) end
---@param i integer
---@return number n bytes of text that it is about
function merges:size(i) end
---Makes a part of one in steps, as `core.builder` does: a value as of `cache:field`, or the arguments.
---@param i integer
---@param part "existing"|"incoming"|"args"
---@param max_values number at least 1
---@param held table
---@return boolean? is_done nil: it failed
---@return any value nil where nothing exists; the error where it failed
function merges:step(i, part, max_values, held) end
---@param i integer
---@param value any what the field gets, as of `cache:set`; nil: nothing came of it
---@return true? ok
---@return appsync.core.Err? err of kind "usage": it can't be JSON
function merges:tell(i, value) end

---The objects of a response, or of data, whose identity the application tells.
---@class appsync.core.Objects
local objects = {}

---@return integer n
function objects:count() end
---Makes one of them in steps, as `core.builder` does.
---@param i integer from 1
---@param max_values number at least 1
---@param held table
---@return boolean? is_done nil: it failed
---@return any object the error where it failed
function objects:step(i, max_values, held) end
---@param i integer
---@param key string? nil: it has no identity
---@return boolean is_told false: the key isn't UTF-8
function objects:tell(i, key) end

---Has what an operation gives shown, now and whenever it has changed: VIEW events, each after the one before it was taken.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?, typenames: boolean?}
---@return integer? watch, appsync.core.Err? err as of `execute`
function cache:watch(call) end
---No VIEW comes after it. Unknown ids are ignored.
---@param watch integer
---@return true? ok, appsync.core.Err? err
function cache:unwatch(watch) end
---The last VIEW was taken: the next may come.
---@param watch integer
---@return true? ok, appsync.core.Err? err
function cache:view_taken(watch) end

---A VIEW comes in any case, with what was there when this was called, and says that it was asked for.
---@param watch integer
---@return true? ok, appsync.core.Err? err
function cache:show(watch) end

---What a watch shows.
---@class appsync.core.View
local view = {}

---@return boolean is_whole nothing is missing
---@return boolean is_optimistic something in it is what optimistic layers say
---@return integer n_bytes of its text
function view:state() end
---@return string[] paths of what is missing: the first 100
function view:missing() end
---Makes its value in steps, as `core.builder` does. `memo` is a table of the watch's own, the same for all of its views, each of
---which is made whole: tables of the value before are in the new one wherever nothing in them has changed.
---@param max_values number at least 1
---@param held table
---@param memo table
---@return boolean? is_done nil: it failed; either way the view is over
---@return any value the error where it failed
function view:step(max_values, held, memo) end
