import { join } from 'node:path'
import { readFileIfThere, writeInterfaceFiles } from '../kernel/interface-file.js'
import { subfolders } from '../kernel/subfolders.js'
import { unifiedFolder, type Group, type GroupFolder } from './group.js'

/**
 * What a v2 group is: of processes (`domain`), of threads (`threaded`), of processes with groups of their threads below
 * (`domain threaded`), or of nothing yet, below threaded ones (`domain invalid`).
 */
export type GroupType = 'domain' | 'threaded' | 'domain threaded' | 'domain invalid'

/** The controllers that v2 lets threads of one process be told apart by. */
export const threadedControllers: readonly string[] = ['cpu', 'cpuset', 'perf_event', 'pids']

/** See `Cgroup.type`. */
export function typeOf(group: Group): GroupType | undefined {
  const folder = unifiedFolder(group)
  return folder === undefined
    ? undefined
    : (readFileIfThere(join(folder, 'cgroup.type'))?.trim() as GroupType | undefined)
}

/** See `Cgroup.threads`. */
export function threadsOf(group: Group): number[] {
  const found = new Set<number>()
  for (const home of group.folders) collect(home.folder, fileOf(home), found)
  return [...found].sort((a, b) => a - b)
}

/** See `Cgroup.addThread`. */
export function addThread(group: Group, tid: number): void {
  writeInterfaceFiles(
    group.folders.map((home) => ({ path: join(home.folder, fileOf(home)), value: String(tid) })),
  )
}

function fileOf({ mount }: GroupFolder): string {
  return mount.version === 1 ? 'tasks' : 'cgroup.threads'
}

function collect(folder: string, file: string, found: Set<number>): void {
  for (const line of (readFileIfThere(join(folder, file)) ?? '').split('\n'))
    if (line !== '') found.add(Number(line))
  for (const name of subfolders(folder)) collect(join(folder, name), file, found)
}
