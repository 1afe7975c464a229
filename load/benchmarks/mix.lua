-- One kind of request over many members, chosen at random by a fixed seed; arguments: path with %s for the member, how many members.
local path, members, token
function init(args)
  path, members, token = args[1], tonumber(args[2]), args[3]
  math.randomseed(7)
  wrk.headers["authorization"] = "Bearer " .. token
end
function request()
  local member = string.format("b%07d", math.random(0, members - 1))
  return wrk.format("GET", (string.gsub(path, "MEMBER", member)))
end
function done(summary, latency, requests)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %.1f %.3f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, errors))
end
