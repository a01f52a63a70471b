package.path = package.path .. ";/work/main/?.lua"
local made = require "spec.support.certificates".make()
print(made.server.cert, made.server.key)
