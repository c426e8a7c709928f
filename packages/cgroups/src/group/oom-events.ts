import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs'
import { Fd, O_CLOEXEC, onReadable, syscall, syscallOr } from '@ctr/linux'
import { CgroupError } from '../errors.js'
import { pathError } from '../kernel/errno.js'
import { readFileIfThere, writeInterfaceFile } from '../kernel/interface-file.js'
import { parseFlatKeyed } from '../stats/parse-flat-keyed.js'
import { folderWith, unifiedFolder, type Group } from './group.js'

/** Flags of eventfd(2) and inotify_init1(2), which are those of open(2). */
const O_NONBLOCK_CLOEXEC = constants.O_NONBLOCK | O_CLOEXEC

/** How the kernel tells of something: calls back for each piece of news until it is closed. */
interface Watcher {
  close(): void
}
/** News of a group: processes had no memory left, or there will be none any more. */
type News = (news: 'oom' | 'end') => void

/** Tells of OOM kills; see `Cgroup.oomEvents`. */
export function oomEventsOf(group: Group, signal?: AbortSignal): AsyncIterableIterator<void> {
  signal?.throwIfAborted()
  const home = folderWith(group, 'memory')
  const unified = unifiedFolder(group)
  const queue = new Queue()
  const news: News = (what) => (what === 'oom' ? queue.push() : queue.end())
  const watcher =
    home?.mount.version === 1
      ? watchV1(home.folder, news)
      : unified === undefined
        ? undefined
        : watchV2(unified, news)
  if (!watcher)
    throw new CgroupError(
      'ERR_CGROUP_NO_CONTROLLER',
      `cannot wait for OOM kills in ${group.path}: it is in no memory hierarchy`,
      { path: group.path },
    )
  const abort = () => queue.end()
  signal?.addEventListener('abort', abort, { once: true })
  queue.atEnd(() => {
    signal?.removeEventListener('abort', abort)
    watcher.close()
  })
  return queue
}

/** v1: an eventfd, which the kernel also writes to when the group is removed. */
function watchV1(folder: string, news: News): Watcher {
  const event = new Fd(syscall('eventfd2', 0, O_NONBLOCK_CLOEXEC))
  const control = `${folder}/memory.oom_control`
  try {
    const file = openSync(control, constants.O_RDONLY)
    try {
      writeInterfaceFile(`${folder}/cgroup.event_control`, `${event.number} ${file}`)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    event.close()
    throw error instanceof CgroupError ? error : pathError('watch', control, error)
  }
  const buffer = Buffer.alloc(8)
  const wait = () =>
    onReadable(event.number, () => {
      readSync(event.number, buffer)
      if (!existsSync(control)) {
        news('end')
        return
      }
      current = wait()
      news('oom')
    })
  let current = wait()
  return {
    close() {
      current.cancel()
      event.close()
    },
  }
}

/** v2: inotify on the counters, and on the file that says when the last process has ended. */
function watchV2(folder: string, news: News): Watcher {
  const IN_MODIFY = 2
  const counters = `${folder}/memory.events`
  const state = `${folder}/cgroup.events`
  const kills = () => parseFlatKeyed(readFileIfThere(counters) ?? '').get('oom_kill') ?? 0
  const isOver = () => parseFlatKeyed(readFileIfThere(state) ?? '').get('populated') !== 1
  const changes = new Fd(syscall('inotify_init1', O_NONBLOCK_CLOEXEC))
  try {
    // without the memory controller there is nothing to count, but still an end
    for (const file of [counters, state])
      syscallOr(['ENOENT'], 'inotify_add_watch', changes.number, file, IN_MODIFY)
  } catch (error) {
    changes.close()
    throw error
  }
  let known = kills()
  const buffer = Buffer.alloc(4096)
  const look = () => {
    const now = kills()
    for (; known < now; known++) news('oom')
    if (isOver()) news('end')
  }
  const wait = () =>
    onReadable(changes.number, () => {
      readSync(changes.number, buffer)
      current = wait()
      look()
    })
  let current = wait()
  look()
  return {
    close() {
      current.cancel()
      changes.close()
    },
  }
}

/** Keeps news until somebody asks for it. */
class Queue implements AsyncIterableIterator<void> {
  #count = 0
  #ended = false
  #waiting: (() => void)[] = []
  #atEnd: (() => void)[] = []

  push(): void {
    if (this.#ended) return
    this.#count++
    this.#wake()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (const action of this.#atEnd.splice(0)) action()
    this.#wake()
  }

  /** Does something at the end, at once when it is over. */
  atEnd(action: () => void): void {
    if (this.#ended) action()
    else this.#atEnd.push(action)
  }

  async next(): Promise<IteratorResult<void>> {
    while (this.#count === 0 && !this.#ended)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#count === 0) return { done: true, value: undefined }
    this.#count--
    return { done: false, value: undefined }
  }

  return(): Promise<IteratorResult<void>> {
    this.#count = 0
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
