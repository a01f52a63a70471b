-- Damages a file that others have open, somewhere, somehow. No page takes the place of another one: it may have what was sent long
-- ago, and nothing shows that it isn't of today.
-- usage: damager.lua FILE SEED
local damaging = require "spec.support.damaging"

math.randomseed(tonumber(arg[2]))
print("damaged: " .. damaging.damage(arg[1], "swap"))
