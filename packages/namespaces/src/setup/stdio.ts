import { O_CLOEXEC, O_RDWR, O_NOCTTY, AT_FDCWD, TIOCSCTTY, type Program, type Ref } from '@ctr/linux'

/**
 * One of the standard streams of a process: our own, `/dev/null`, a pipe to us, or a descriptor of ours
 * (which stays ours to close).
 */
export type Stdio = 'inherit' | 'ignore' | 'pipe' | number

/** Standard streams as descriptors of this process; undefined stands for `/dev/null`. */
export type StdioFds = readonly [number | undefined, number | undefined, number | undefined]

const F_DUPFD_CLOEXEC = 1030
const F_SETFD = 2

/** Opens `/dev/null` while the host's `/dev` can still be reached. */
export function openNull(program: Program, fds: StdioFds): Ref | undefined {
  if (!fds.includes(undefined)) return undefined
  return program.step('open /dev/null').call('openat', [AT_FDCWD, '/dev/null', O_RDWR + O_NOCTTY + O_CLOEXEC])
}

/**
 * The same in an executable of its own, where the numbers below 3 are free if none of them was kept.
 */
export function openNullAbove(program: Program, fds: StdioFds): Ref | undefined {
  const nul = openNull(program, fds)
  return nul && program.call('fcntl', [nul, F_DUPFD_CLOEXEC, 3])
}

/**
 * Puts the standard streams into place. Node holds its own 0, 1 and 2 close-on-exec; a descriptor below 3
 * that belongs elsewhere is moved out of the way first.
 */
export function placeStdio(program: Program, fds: StdioFds, nul: Ref | undefined): void {
  program.step('set up standard input, output and error')
  const moved = fds.map((fd, target) =>
    fd !== undefined && fd < 3 && fd !== target
      ? program.call('fcntl', [fd, F_DUPFD_CLOEXEC, 3])
      : (fd ?? nul!),
  )
  moved.forEach((fd, target) => {
    if (fd === target) program.call('fcntl', [fd, F_SETFD, 0])
    else program.call('dup3', [fd, target, 0])
  })
}

/** A session of its own; with a terminal, the terminal becomes the controlling one and all three streams. */
export function newSession(program: Program, terminal: number | undefined): void {
  program.step('begin a session').call('setsid', [])
  if (terminal === undefined) return
  program.call('ioctl', [terminal, TIOCSCTTY, 0], { step: 'take the terminal' })
}
