import Glibc
import TestSupport

// The tests' registry by itself, for machines that have no other: it prints its address and serves until it is killed.
// It keeps everything in memory.
let registry = try TestRegistry()
print(registry.address)
fflush(nil)
while true { pause() }
