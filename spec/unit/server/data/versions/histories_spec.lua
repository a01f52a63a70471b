-- Random histories of versioned models beside the plain rules; and that rules which are broken on purpose are found.
-- N=1000 SEED=7 for more of them, or for that of a failure: it names its history, which is SEED.
local automerge = require("appsync.server.data.versions.automerge")
local resolution = require("appsync.server.data.versions.resolution")
local token = require("appsync.server.data.token")
local version_histories = require("spec.support.version_histories")
local versions = require("appsync.server.data.versions.versions")
local writing = require("appsync.server.data.writing")

local N = tonumber(os.getenv("N")) or 8
local SEED = tonumber(os.getenv("SEED")) or os.time() % 1000000
-- A broken rule is found by one of so many histories, always the same.
local N_BROKEN = 150

local Versions = getmetatable(versions.new({}, { base_ttl_s = 0, delta_ttl_s = 0, since_ms = 0, now = os.time })).__index

describe("random histories", function()
  for _, where in ipairs({ "in memory", "in a file" }) do
    it(("end as the rules say, %s (SEED=%d N=%d)"):format(where, SEED, N), function()
      for i = 0, N - 1 do
        local path = where == "in a file" and os.tmpname() or nil
        local ok, err = pcall(version_histories.run, SEED + i, path)
        for _, suffix in ipairs(path and { "", "-wal", "-shm" } or {}) do os.remove(path .. suffix) end
        assert(ok, err)
      end
    end)
  end

  -- {what is broken, where it is kept, under which name, what does it wrong, given what does it right}
  for _, row in ipairs({
    { "a merge that takes what is incoming", automerge, "merge", function() return writing.changed end },
    { "a merge that changes nothing", automerge, "merge", function() return function(item) return item end end },
    { "a merge that revives a tombstone", resolution, "decide", function(right)
      return function(...)
        local decision = right(...)
        return { item = decision.item, is_deleted = decision.is_deleted and decision.item._deleted ~= true, refusal = decision.refusal }
      end
    end },
    { "a conflict that is no more than a write", resolution, "decide", function()
      return function(_, clash) return { item = clash.preview or clash.existing, is_deleted = clash.preview == nil } end
    end },
    { "a condition that is never asked", writing, "holds", function() return function() return true end end },
    { "a journal without deletions", Versions, "journal", function(right)
      return function(self, item) if not item._deleted then right(self, item) end end
    end },
    { "a journal that reaches too far", Versions, "reaches", function() return function() return true end end },
    { "a journal that reaches a millisecond less far", Versions, "reaches", function(right)
      return function(self, since_ms) return right(self, since_ms - 1) end
    end },
    { "a journal that is read from behind its time on", Versions, "changes", function(right)
      return function(self, after, limit) return right(self, after[2] == 0 and { after[1] + 1, 0 } or after, limit) end
    end },
    { "pages of the journal that overlap", Versions, "changes", function(right)
      return function(self, after, limit)
        local items, position = right(self, after, limit)
        return items, position and { position[1], position[2] - 1 }
      end
    end },
    { "a table that shows no tombstones", Versions, "scan", function(right)
      return function(self, ...)
        local items, position = right(self, ...)
        local kept = {}
        for _, item in ipairs(items) do if not item._deleted then kept[#kept + 1] = item end end
        return kept, position
      end
    end },
    { "a table that ends with a full page", Versions, "scan", function(right)
      return function(...) return (right(...)) end
    end },
    { "expiry that comes a second early", Versions, "sweep", function(right)
      return function(self)
        local now = self.now
        self.now = function() return now() + 1 end
        right(self)
        self.now = now
      end
    end },
    { "expiry that never comes", Versions, "sweep", function() return function() end end },
    { "a version that a merge doesn't count", Versions, "stamp", function(right)
      return function(self, item, version, ...) return right(self, item, math.max(1, version - (version % 5 == 0 and 1 or 0)), ...) end
    end },
    { "a sync that begins anew with each page", token, "encode", function(right)
      return function(of, position)
        if position[1] == "base" or position[1] == "delta" then position[2] = position[2] + 1 end
        return right(of, position)
      end
    end },
  }) do
    it("find " .. row[1], function()
      local right = row[2][row[3]]
      row[2][row[3]] = row[4](right)
      local found, i = nil, 0
      while not found and i < N_BROKEN do
        i = i + 1
        local ok, err = pcall(version_histories.run, i)
        found = not ok and err
      end
      row[2][row[3]] = right
      assert.is_string(found)
      assert.matches("the rules say", found)
    end)
  end
end)
