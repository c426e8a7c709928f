import { constants, openSync, readSync, writeSync, closeSync } from 'node:fs'
import { onUrgent } from '@ctr/linux'
import { CgroupError } from '../errors.js'
import { codeOf, errnoOf, pathError, reason } from '../kernel/errno.js'
import { checkInteger, invalid } from '../plan/check.js'
import { parsePressure, type Pressure } from '../stats/pressure.js'
import { endOnAbort, Stream } from './stream.js'

/** When pressure is too much. */
export interface PressureTrigger {
  /** Time that processes stood still within a window, in **microseconds**. */
  readonly stallUsec: number
  /**
   * The window, in **microseconds**, 500000 to 10000000. Default 2000000. Without `CAP_SYS_RESOURCE` only multiples of
   * 2000000 are taken.
   */
  readonly windowUsec?: number | undefined
  /** At least one process stood still (`'some'`, the default), or all that were not idle (`'full'`). */
  readonly kind?: 'some' | 'full' | undefined
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
}

/** Tells when a pressure file's trigger fires, at most once a window. */
export function pressureEventsOf(path: string, trigger: PressureTrigger): AsyncIterableIterator<Pressure> {
  const { stallUsec, windowUsec = 2_000_000, kind = 'some', signal } = trigger
  checkInteger('windowUsec', windowUsec, 500_000, 10_000_000, 'microseconds')
  checkInteger('stallUsec', stallUsec, 1, windowUsec, 'microseconds')
  if (!['some', 'full'].includes(kind)) throw invalid('kind', "'some' or 'full'", kind)
  signal?.throwIfAborted()
  const fd = openTrigger(path, `${kind} ${stallUsec} ${windowUsec}`)
  const stream = new Stream<Pressure>(
    (_, newer) => newer,
    () => {
      stop()
      watch?.close()
      closeSync(fd)
    },
  )
  const stop = endOnAbort(signal, () => stream.end())
  let watch: ReturnType<typeof onUrgent> | undefined
  try {
    watch = onUrgent(fd, () => {
      const now = read(fd, path)
      if (now === undefined) stream.end()
      else if (now instanceof Error) stream.fail(now)
      else stream.push('pressure', now)
    })
  } catch (error) {
    stream.end()
    throw pathError('watch', path, error)
  }
  return stream
}

function openTrigger(path: string, text: string): number {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    writeSync(fd, `${text}\0`) // the kernel takes the last byte for the end of the text
    return fd
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    const errno = errnoOf(error)
    const why =
      errno === 'EINVAL' ? '; without CAP_SYS_RESOURCE the window must be a multiple of 2 seconds' : ''
    const code =
      errno === 'ENOENT' || errno === 'ENOTSUP'
        ? 'ERR_CGROUP_UNSUPPORTED'
        : errno === 'EINVAL'
          ? 'ERR_CGROUP_REFUSED'
          : codeOf(errno)
    throw new CgroupError(
      code,
      `cannot write ${JSON.stringify(text)} to ${path}: ${errno === 'ENOENT' ? noPressure : reason(error)}${why}`,
      { path, value: text, errno, cause: error },
    )
  }
}

const noPressure =
  'there is no such file: this kernel does not count pressure (CONFIG_PSI, psi=1), or the group is gone'

/** The figures; `undefined` when the group was removed. */
function read(fd: number, path: string): Pressure | CgroupError | undefined {
  const text = Buffer.alloc(512)
  try {
    return parsePressure(text.toString('latin1', 0, readSync(fd, text, 0, text.length, 0)))
  } catch (error) {
    return errnoOf(error) === 'ENODEV' ? undefined : pathError('read', path, error)
  }
}
