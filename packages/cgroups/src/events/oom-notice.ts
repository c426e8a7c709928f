import { closeSync, constants, openSync, readSync } from 'node:fs'
import { Fd, O_CLOEXEC, onReadable, syscall } from '@ctr/linux'
import { CgroupError } from '../errors.js'
import { pathError } from '../kernel/errno.js'
import { writeInterfaceFile } from '../kernel/interface-file.js'

/**
 * Asks a v1 kernel to tell when a group has no memory left: by an eventfd, through `cgroup.event_control`. It tells
 * before it kills, and also when the group is removed.
 *
 * @returns What ends it.
 */
export function onOutOfMemory(folder: string, tell: () => void): () => void {
  const event = new Fd(syscall('eventfd2', 0, constants.O_NONBLOCK | O_CLOEXEC))
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
  const count = Buffer.alloc(8)
  const wait = () =>
    onReadable(event.number, () => {
      readSync(event.number, count)
      current = wait()
      tell()
    })
  let current = wait()
  return () => {
    current.cancel()
    event.close()
  }
}
