import { statSync } from 'node:fs'
import { join } from 'node:path'
import { readFileIfThere } from '../kernel/interface-file.js'
import { subfolders } from '../kernel/subfolders.js'
import { parseFlatKeyed } from '../stats/parse-flat-keyed.js'

/** A number in a flat keyed file; `undefined` when the file or the name is not there. */
export function counter(folder: string, file: string, name: string): number | undefined {
  return parseFlatKeyed(readFileIfThere(join(folder, file)) ?? '').get(name)
}

/** OOM kills in a v1 group and those below: v1 counts where the process was, and tells the group that was full. */
export function oomKillsBelow(folder: string): number {
  let sum = counter(folder, 'memory.oom_control', 'oom_kill') ?? 0
  // a group's link count is 2 and its children
  if ((statSync(folder, { throwIfNoEntry: false })?.nlink ?? 2) === 2) return sum
  for (const name of subfolders(folder)) sum += oomKillsBelow(join(folder, name))
  return sum
}
