import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { CgroupError } from '../errors.js'
import { folderWith, unifiedFolder, type Group } from '../group/group.js'
import type { CgroupEvent, CgroupEventType, EventOptions } from './cgroup-event.js'
import { IN_DELETE, IN_MODIFY, watchFolder } from './inotify.js'
import { mergeEvents, type EventSource } from './source.js'
import { frozenV1, oomV1, populatedV1 } from './sources-v1.js'
import { oomV2, pidsMax, stateV2 } from './sources-v2.js'
import { endOnAbort, Stream } from './stream.js'

const allTypes: readonly CgroupEventType[] = ['oom', 'pids-max', 'populated', 'frozen']

/** Pauses in which the kernel is looked at again while it is still at what it told of: 4 seconds in all. */
const LOOKS = 38
const LONGEST_PAUSE_MS = 128

/** Tells what happens to a group; see `Cgroup.events`. */
export function eventsOf(
  group: Group,
  { types = allTypes, signal }: EventOptions = {},
): AsyncIterableIterator<CgroupEvent> {
  signal?.throwIfAborted()
  const isWhole = types === allTypes
  const sources: EventSource[] = []
  for (const type of new Set(types)) {
    const source = sourceOf(group, type)
    if (source) sources.push(source)
    else if (!isWhole) throw notTold(group, type)
  }
  if (sources.length === 0) throw notTold(group, 'oom')
  const ends: (() => void)[] = []
  const stream = new Stream<CgroupEvent>(mergeEvents, () => {
    for (const end of ends.splice(0)) end()
  })
  ends.push(endOnAbort(signal, () => stream.end()))
  try {
    watch(sources, stream, ends)
  } catch (error) {
    stream.end()
    throw error
  }
  return stream
}

function watch(sources: readonly EventSource[], stream: Stream<CgroupEvent>, ends: (() => void)[]): void {
  const folders = [...new Set(sources.map(({ folder }) => folder))]
  const isGone = (): boolean => folders.some((folder) => !existsSync(folder))
  let timer: NodeJS.Timeout | undefined
  const look = (count: number): void => {
    clearTimeout(timer)
    try {
      // a look at everything: what the kernel does not tell of is seen when it tells of something else
      const looks = sources.map((source) => source.look())
      for (const { event } of looks) if (event) stream.push(event.type, event)
      if (isGone()) stream.end()
      else if (looks.some(({ isUnsettled }) => isUnsettled === true)) {
        if (count < LOOKS) timer = setTimeout(look, Math.min(2 ** count, LONGEST_PAUSE_MS), count + 1)
        else for (const source of sources) source.giveUp?.()
      }
    } catch (error) {
      stream.fail(error)
    }
  }
  const changed = (): void => look(0)
  ends.push(() => clearTimeout(timer))
  for (const source of sources) {
    if (source.start) ends.push(source.start(changed))
    for (const folder of source.files.length === 0 ? [] : [source.folder, ...(source.others ?? [])]) {
      const found = watchFolder(folder, IN_MODIFY, (name) => {
        if (name === undefined || source.files.includes(name)) changed()
      })
      ends.push(() => found.close())
    }
  }
  for (const folder of folders) {
    const name = basename(folder)
    const above = watchFolder(dirname(folder), IN_DELETE, (removed) => {
      if (removed === undefined || removed === name) changed()
    })
    ends.push(() => above.close())
  }
  changed() // also of what happened before it was watched
}

/** How a group can tell of something; `undefined` when it cannot. */
function sourceOf(group: Group, type: CgroupEventType): EventSource | undefined {
  const unified = unifiedFolder(group)
  switch (type) {
    case 'oom': {
      const home = folderWith(group, 'memory')
      return home && (home.mount.version === 1 ? oomV1(home.folder) : oomV2(home.folder))
    }
    case 'pids-max': {
      const home = folderWith(group, 'pids')
      return home && pidsMax(home.folder)
    }
    case 'populated':
      return unified === undefined ? populatedV1(group.folders[0]!.folder) : stateV2('populated', unified)
    case 'frozen': {
      const home = folderWith(group, 'freezer')
      if (home?.mount.version === 1) return frozenV1(home)
      return unified === undefined ? undefined : stateV2('frozen', unified)
    }
  }
}

function notTold(group: Group, type: string): CgroupError {
  return new CgroupError(
    'ERR_CGROUP_NO_CONTROLLER',
    `cannot tell of ${type} in ${group.path}: it is in no hierarchy that does, or this kernel has no such file`,
    { path: group.path },
  )
}
