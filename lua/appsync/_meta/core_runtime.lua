---@meta
-- What the C module gives of a Lua state's runtime (`core.lua` has the rest): its threads, and the events that come from them.

---After a fork all methods but `close` fail with kind "usage".
---@class appsync.core.Runtime
local runtime = {}

---Takes at most `max` events off the inbox, fewer where they have much text, and writes five values for each into `events` from index 1:
---kind, target, a, b, c (nil values are written as nil). Never blocks.
---```
---kind        target        a      b      c
---RESULT      call          DATA   ERR    INFO
---SUB_STATE   subscription  WORD   ERR    NUMBER
---SUB_DATA    subscription  DATA   ERR    NUMBER
---SUB_END     subscription  ERR    NONE   NUMBER
---AUTH        credential    WORD   NUMBER NONE
---HEADERS     subscription  NONE   NONE   NONE
---VIEW        watch         VIEW   ERR    MARK
---ASK         client        QUESTION NUMBER WORD
---QUEUE       cache         DATA   ERR    INFO
---SYNC        sync          DATA   ERR    INFO
---CONNECTION  client        WORD   ERR    NONE
---REACH       client        WORD   NONE   NONE
---LOG         client        WORD   TEXT   NONE
---CLOSED      client        NONE   NONE   NONE
---REQUEST     request       NONE   NONE   NONE
---```
---DATA: the value of `data`, or nil; where its text is above 64 KB what makes it, an appsync.core.Builder, and so may be
---`errors` of ERR and `extensions` of INFO. INFO: {source, status, extensions, attempts}, of what went through an outbox also
---{id, entry, queued, size, has_layer, outcome, dead, blocked_by} (core_cache.lua); status 0: no response. WORD: the state
---of a subscription ("subscribed", "reconnecting", or "delayed": not served, ERR tells why, tried again) or connection, of
---REACH "online" (the service answers again) or "hint" (it may), the reason of AUTH ("first", "expired", "refused"), the level of LOG. NUMBER: events dropped so far; of AUTH the client's id; of
---ASK the question's. QUESTION: what is asked about, nil where there was no memory for it; with WORD "identity" objects, with "merge" merges.
---VIEW: what a watch shows, nil where it can't be read. MARK: "asked", it comes because of `show`;
---"doubtful", the service may know other values than those that are shown; or nil. NONE: nil.
---`err` is a plain table {kind, message, code, retryable, sent, status, errors, error_type, data, response}.
---What Lua throws in here (memory; before 5.4 what a finalizer raised) loses nothing: the next poll, of the same table, goes
---on. An event that there was no memory for twice comes as an error.
---@param events table
---@param max integer
---@param is_short boolean? the poll before threw for want of memory
---@return integer? n_events, boolean|appsync.core.Err has_more
function runtime:poll(events, max, is_short) end

---Blocks until events are there or the time is over.
---@param seconds number? nil: for ever
---@return boolean? has_events, appsync.core.Err? err
function runtime:wait(seconds) end

---@return integer? descriptor readable while events wait
---@return appsync.core.Err? err
function runtime:fd() end

---Where a host can watch no descriptor, but opens sockets itself: it connects to the path, calls `accept`, and from then on reads
---bytes from that socket where the descriptor would be readable.
---@return string? path of a unix socket, gone once it was accepted
---@return appsync.core.Err? err of kind "system"
function runtime:listen() end

---@return true? ok, appsync.core.Err? err of kind "system": nobody has connected
function runtime:accept() end

---All bytes were read that had come over that socket, and `poll` is called next: only then are more sent.
---@return true? ok, appsync.core.Err? err
function runtime:heard() end

---Makes the descriptor readable, though there may be no event.
---@return true? ok, appsync.core.Err? err
function runtime:ring() end

---Of a request of nginx: when it has ended, in whatever way, REQUEST comes.
---@param address number of nginx's request
---@return integer? id target of that event
---@return appsync.core.Request|appsync.core.Err request
function runtime:watch_request(address) end

---@class appsync.core.Request
local request = {}

---@return boolean
function request:has_ended() end

---Makes the descriptor readable at that time too (for timers that live in Lua). nil: no more.
---@param seconds number? from now
---@return true? ok, appsync.core.Err? err of kind "system": the core thread can't be started
function runtime:arm(seconds) end

---Starts the core thread, as the first client does. It fails where that fails.
---@return true? ok, appsync.core.Err? err of kind "system"
function runtime:start() end
---Events of subscriptions are counted instead of delivered, until `resumed`.
---@return true? ok, appsync.core.Err? err
function runtime:suspend() end
---The network may be back: clients that wait for it try now, and events are delivered again.
---@return integer? n_missed, appsync.core.Err? err of kind "system": the core thread can't be started
function runtime:resumed() end

---@param settings table
---@return appsync.core.Client? client, appsync.core.Err? err of kind "system": the core thread can't be started
function runtime:client(settings) end

---The end of this Lua state won't wait for the threads, which may be busy for long, unless another client is made; the end of the
---process does.
function runtime:leave() end

---Stops and joins the threads. Everything outstanding was answered before. Idempotent; the next use opens a new one.
---@param seconds number bound of the join
---@return boolean joined
function runtime:close(seconds) end
