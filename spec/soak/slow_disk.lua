local effects = require "spec.support.effects"
local faulty_vfs = require "spec.support.faulty_vfs"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local served = effects.start()
for _, slow in ipairs{ 0, 100 } do
  local made = folder.make()
  os.execute(("%s %s spec/soak/slow_disk_frames.lua %s %s 8"):format(faulty_vfs.words("slow=" .. slow), arg[-1], served.endpoint, made.path))
  made.remove()
end
process.stop_all()
