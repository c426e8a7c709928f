import { TIOCGWINSZ, TIOCSWINSZ } from '../constants/process.js'
import { out } from '../program/argument.js'
import { syscall } from '../syscall.js'

const TCGETS = 0x5401
const TCSETSW = 0x5403

// struct termios of the kernel: four words of flags, the line discipline, 19 control characters
const size = 36
const IFLAG = 0
const OFLAG = 4
const CFLAG = 8
const LFLAG = 12
const VTIME = 17 + 5
const VMIN = 17 + 6

const OPOST = 0o1

// what cfmakeraw(3) takes away, and sets
const inputFlags = 0o1 + 0o2 + 0o10 + 0o40 + 0o100 + 0o200 + 0o400 + 0o2000
const localFlags = 0o10 + 0o100 + 0o2 + 0o1 + 0o100000
const characterSize = 0o60 + 0o400
const CS8 = 0o60

/** Size of a terminal's window in characters. */
export interface WindowSize {
  readonly rows: number
  readonly columns: number
}

/**
 * Puts a terminal into raw mode: every key passes as it is (cfmakeraw(3), ioctl_tty(2)).
 *
 * @param options - `output`: `raw` when what is written has its carriage returns already; `processed` when the
 *   terminal is to put them in front of line feeds.
 * @returns Puts it back as it was; also done when this process exits.
 * @throws {@link SyscallError} `ENOTTY`: no terminal.
 */
export function rawMode(fd: number, { output }: { readonly output: 'raw' | 'processed' }): () => void {
  const before = attributes(fd)
  const raw = Buffer.from(before)
  clear(raw, IFLAG, inputFlags)
  if (output === 'raw') clear(raw, OFLAG, OPOST)
  clear(raw, LFLAG, localFlags)
  clear(raw, CFLAG, characterSize)
  raw.writeUInt32LE((raw.readUInt32LE(CFLAG) | CS8) >>> 0, CFLAG)
  raw[VMIN] = 1
  raw[VTIME] = 0
  syscall('ioctl', fd, TCSETSW, raw)
  let restored = false
  const restore = (): void => {
    if (restored) return
    restored = true
    process.removeListener('exit', restore)
    try {
      syscall('ioctl', fd, TCSETSW, before)
    } catch {
      // the terminal is gone: nothing is left to restore
    }
  }
  process.on('exit', restore)
  return restore
}

/**
 * Size of a terminal's window (`TIOCGWINSZ`); 0 means that nobody has set it.
 *
 * @throws {@link SyscallError} `ENOTTY`: no terminal.
 */
export function windowSize(fd: number): WindowSize {
  const winsize = Buffer.alloc(8)
  syscall('ioctl', fd, TIOCGWINSZ, out(winsize))
  return { rows: winsize.readUInt16LE(0), columns: winsize.readUInt16LE(2) }
}

/**
 * Tells a terminal, and with `SIGWINCH` the programs on it, the size of its window (`TIOCSWINSZ`).
 *
 * @param size - Both in characters, 0 to 65535.
 */
export function setWindowSize(fd: number, { rows, columns }: WindowSize): void {
  const winsize = Buffer.alloc(8)
  winsize.writeUInt16LE(rows, 0)
  winsize.writeUInt16LE(columns, 2)
  syscall('ioctl', fd, TIOCSWINSZ, winsize)
}

function attributes(fd: number): Buffer {
  const termios = Buffer.alloc(size)
  syscall('ioctl', fd, TCGETS, out(termios))
  return termios
}

function clear(termios: Buffer, at: number, flags: number): void {
  termios.writeUInt32LE((termios.readUInt32LE(at) & ~flags) >>> 0, at)
}
