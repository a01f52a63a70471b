-- spec/support/launcher.py: the end of a program is noticed, whatever ends beside it and with nothing asked meanwhile.
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

local PROGRAMS, ROUNDS = 12, 20

describe("the programs of a spec", function()
  after_each(process.stop_all)

  it("are gone once they have ended, also where many end at once", function()
    for _ = 1, ROUNDS do
      local pids = {}
      for i = 1, PROGRAMS do
        local first, handle = process.start{ "sh", "-c", "echo ready; exec sleep 600" }
        assert.equal("ready", first)
        pids[i] = handle.pid
        handle.pid = nil -- nothing is told to the launcher afterwards
      end
      local all = table.concat(pids, " ")
      process.output_of("kill " .. all)
      wait_for(function() return process.output_of("kill -0 " .. all .. " 2>&1 | grep -c 'No such process'") == PROGRAMS .. "\n" end,
        "the end of all", function() return process.output_of("ps -o pid,stat,args " .. all) end)
    end
  end)
end)
