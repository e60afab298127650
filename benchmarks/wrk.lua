-- Prints what `load.py` reads: microseconds, bytes and counts of one run of wrk.
done = function(summary, latency, requests)
  local failed = 0
  for _, count in pairs(summary.errors) do failed = failed + count end
  io.write(string.format("\nread: %d %d %d %d %d %d %d %d\n", summary.requests, summary.bytes, summary.duration, failed,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max))
end

-- With an argument each request is told from all others, as no poll is.
local number
init = function(args)
  number = args[1] and 0
end
request = function()
  if not number then return wrk.format() end
  number = number + 1
  wrk.headers["X-Number"] = tostring(number)
  return wrk.format()
end
