import {
  F_SETFL,
  messageWithFds,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  Struct,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
  type Program,
  type Ref,
  type WindowSize,
} from '@ctr/linux'

/** A terminal that a process opens where it is. */
export interface Console {
  /** Connected Unix socket that our side of the terminal is sent to, as `SCM_RIGHTS`. */
  readonly socket: number
  /** `\n` is printed as it is, not as `\r\n`: whoever shows it does that. Engines expect a terminal as the kernel makes it. */
  readonly plainNewlines?: boolean | undefined
  readonly size?: WindowSize | undefined
  /** User whose terminal it is to be. Default 0. */
  readonly uid?: number | undefined
}

/**
 * Makes a terminal in the devpts at `/dev/pts` below `root`, sends its master to whoever is to have it, and makes its other
 * side the controlling terminal and the three standard streams.
 *
 * The other side is opened by a call on the master, not by a path: nothing in the container can stand in for it.
 *
 * @param root - Where the process is at home, or will be.
 * @returns The process's side.
 */
export function openConsole(
  program: Program,
  root: Ref | number,
  { socket, plainNewlines = false, size, uid = 0 }: Console,
): Ref {
  program.step('open a terminal')
  const how = openHow({
    flags: O_RDWR + O_NOCTTY + O_NONBLOCK + O_CLOEXEC,
    resolve: RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS + RESOLVE_NO_SYMLINKS,
  })
  const opened = program.call('openat2', [root, '/dev/pts/ptmx', how, OPEN_HOW_SIZE])
  // its number must be known in advance, it is part of the message below
  const master = program.call('dup3', [opened, MASTER_FD, O_CLOEXEC])
  program.call('close', [opened])
  program.call('ioctl', [master, TIOCSPTLCK, new Struct(new Uint8Array(4), '0')])
  const slave = program.call('ioctl', [master, TIOCGPTPEER, O_RDWR + O_NOCTTY + O_CLOEXEC])
  if (plainNewlines) program.call('ioctl', [slave, TCSETS, settingsForPlainNewlines()])
  if (uid !== 0) program.call('fchown', [slave, uid, -1])
  if (size !== undefined) program.call('ioctl', [slave, TIOCSWINSZ, sizeOf(size)])
  program.call('fcntl', [master, F_SETFL, O_RDWR])
  program.step('send the terminal')
  program.call('sendmsg', [socket, messageWithFds([MASTER_FD], Buffer.from('/dev/ptmx')), MSG_NOSIGNAL], {
    minimum: 1,
  })
  program.call('close', [master])
  program.call('close', [socket])
  program.step('take the terminal')
  program.call('ioctl', [slave, TIOCSCTTY, 0])
  for (const fd of [0, 1, 2]) program.call('dup3', [slave, fd, 0])
  return slave
}

const MASTER_FD = 1000
const TCSETS = 0x5402

/** The kernel's settings of a new terminal, without ONLCR. */
function settingsForPlainNewlines(): Struct {
  const bytes = Buffer.alloc(36) // struct termios of the kernel
  bytes.writeUInt32LE(0o2400, 0) // ICRNL | IXON
  bytes.writeUInt32LE(0o1, 4) // OPOST
  bytes.writeUInt32LE(0o277, 8) // B38400 | CS8 | CREAD
  bytes.writeUInt32LE(0o105073, 12) // ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN
  // VINTR VQUIT VERASE VKILL VEOF VTIME VMIN VSWTC VSTART VSTOP VSUSP VEOL VREPRINT VDISCARD VWERASE VLNEXT VEOL2
  bytes.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0], 17)
  return new Struct(bytes, '{the default without ONLCR}')
}

function sizeOf({ rows, columns }: WindowSize): Struct {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(Math.min(rows, 0xffff), 0)
  bytes.writeUInt16LE(Math.min(columns, 0xffff), 2)
  return new Struct(bytes, `{${columns}x${rows}}`)
}
