# The tables of tests/bench/snapshot. Lines: task, tool, seconds (or bytes), seconds of processors, KB of memory.
{ n[$1, $2]++; value[$1, $2, n[$1, $2]] = $3; cpu[$1, $2, n[$1, $2]] = $4; if ($5 > memory[$2]) memory[$2] = $5; seen[$2] = 1 }
function middle(v, count,   i, j, t) {
  for (i = 2; i <= count; i++) for (j = i; j > 1 && v[j] < v[j-1]; j--) { t = v[j]; v[j] = v[j-1]; v[j-1] = t }
  return count % 2 ? v[(count + 1) / 2] : (v[count / 2] + v[count / 2 + 1]) / 2
}
function median(task, tool,   i, v) {
  if (!n[task, tool]) return ""
  for (i = 1; i <= n[task, tool]; i++) v[i] = value[task, tool, i]
  return middle(v, n[task, tool])
}
function used(task, tool,   i, v) {
  if (!n[task, tool]) return ""
  for (i = 1; i <= n[task, tool]; i++) v[i] = cpu[task, tool, i]
  return middle(v, n[task, tool])
}
function cell(x, unit) { return x == "" ? "|" : sprintf("%s |", unit == "s" ? sprintf("%.2f s", x) : sprintf("%.0f MB", x / 1e6)) }
function row(name, task, unit,   i) {
  printf "| %s |", name
  for (i = 1; i <= count; i++) printf " %s", cell(median(task, tool[i]), unit)
  print ""
}
# Whether ours is so many times better than another; `other` is what it is compared with.
function aim(what, ours, other, name, factor,   ratio) {
  if (ours == "" || other == "") return
  ratio = other / ours
  printf "| %s | %s | %.2f | %.2f | %s |\n", what, name, ratio, factor, ratio >= factor ? "met" : "**missed**"
}
function against(what, task, name, factor) { aim(what, median(task, "buildkeep"), median(task, name), name, factor) }
function best(task,   i, found, x) {
  for (i = 2; i <= count; i++) { x = median(task, tool[i]); if (x != "" && (found == "" || x < found)) { found = x; winner = tool[i] } }
  return found
}
END {
  count = 0; all = split("buildkeep restic restic-fast bupstash rustic borg bup", names, " ")
  for (i = 1; i <= all; i++) if (seen[names[i]]) tool[++count] = names[i]
  printf "|"; for (i = 1; i <= count; i++) printf " | %s", tool[i]; print " |"
  printf "|---"; for (i = 1; i <= count; i++) printf "|--:"; print "|"
  row("first snapshot", "first", "s"); row("nothing changed", "unchanged", "s"); row("1 % and 1 MB changed", "changed", "s")
  row("restore", "restore", "s"); row("verify every byte", "verify", "s"); row("size", "size-first", "b")
  printf "| growth |"
  for (i = 1; i <= count; i++) { g = median("size-changed", tool[i]); printf " %s", g == "" ? "|" : sprintf("%.1f MB |", (g - median("size-first", tool[i])) / 1e6) }
  print ""; printf "| most memory |"
  for (i = 1; i <= count; i++) printf " %.0f MB |", memory[tool[i]] / 1e3
  print "\n"
  printf "tar, zstd -1: %.2f s, %.0f MB; find: %.2f s; ", median("first", "tar"), median("size-first", "tar") / 1e6, median("unchanged", "find")
  printf "push: %.2f s of processors, cp: %.2f s; ", used("push", "buildkeep"), used("push", "cp")
  printf "after optimize (%.1f s): %.0f MB; ", median("optimize", "buildkeep"), median("size-optimized", "buildkeep") / 1e6
  printf "%d rounds in %d s\n\n", rounds, took
  print "| aim | against | times | wanted | |"; print "|---|---|--:|--:|---|"
  against("first", "first", "restic", 2.3); against("first", "first", "restic-fast", 1.5)
  against("first", "first", "bupstash", 1.5); against("first", "first", "tar", 1)
  against("unchanged", "unchanged", "find", 1); against("unchanged", "unchanged", "restic", 10)
  against("unchanged", "unchanged", "bupstash", 3)
  against("changed", "changed", "restic", 5); against("changed", "changed", "rustic", 5)
  x = best("restore"); aim("restore", median("restore", "buildkeep"), x, winner, 1.5)
  x = best("verify"); aim("verify", median("verify", "buildkeep"), x, winner, 1.5)
  aim("size as written", median("size-first", "buildkeep"), 1.05 * median("size-first", "restic"), "restic + 5 %", 1)
  if (n["size-optimized", "buildkeep"])
    aim("size when optimized", median("size-optimized", "buildkeep"), median("size-changed", "restic"), "restic", 1)
  aim("growth", median("size-changed", "buildkeep") - median("size-first", "buildkeep"), median("size-changed", "restic") - median("size-first", "restic"), "restic", 1)
  aim("push, processors", used("push", "buildkeep"), used("push", "cp"), "cp", 0.67)
  aim("most memory", memory["buildkeep"] / 1e3, 400, "400 MB", 1)
}
