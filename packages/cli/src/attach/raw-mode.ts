import { syscall } from '@ctr/linux'

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

// what cfmakeraw(3) takes away, and sets
const inputFlags = 0o1 + 0o2 + 0o10 + 0o40 + 0o100 + 0o200 + 0o400 + 0o2000
const outputFlags = 0o1
const localFlags = 0o10 + 0o100 + 0o2 + 0o1 + 0o100000
const characterSize = 0o60 + 0o400
const CS8 = 0o60

/**
 * Puts a terminal into raw mode: every byte passes as it is, both ways (cfmakeraw(3), ioctl_tty(2)).
 *
 * Node's own raw mode goes on turning line feeds of the output into pairs, which the container's terminal does
 * already.
 *
 * @returns Puts it back as it was; also done when this process exits.
 */
export function rawMode(fd: number): () => void {
  const before = Buffer.alloc(size)
  syscall('ioctl', fd, TCGETS, before)
  const raw = Buffer.from(before)
  clear(raw, IFLAG, inputFlags)
  clear(raw, OFLAG, outputFlags)
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

function clear(termios: Buffer, at: number, flags: number): void {
  termios.writeUInt32LE((termios.readUInt32LE(at) & ~flags) >>> 0, at)
}
