import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { AT_FDCWD, Fd, mknodat } from '@ctr/linux'

const fifoMode = 0o010600

/** Makes a named pipe where there is none. */
export function makeFifo(path: string): void {
  if (!existsSync(path)) mknodat(AT_FDCWD, path, fifoMode, 0)
}

/**
 * Opens the container's end of a pipe for reading and writing, so that it has no end while nobody has the other one
 * open: a program that writes waits when the pipe is full, one that reads waits for input, and both go on when we are
 * back.
 */
export function openBothWays(path: string): Fd {
  return new Fd(openSync(path, constants.O_RDWR | constants.O_NOFOLLOW))
}

/** Opens the container's end of input that ends; somebody must have opened the other one. */
export function openForReader(path: string): Fd {
  return new Fd(openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW))
}

/** Our end of a container's output: ends when the last program of the container has closed its own, also before. */
export function readFifo(path: string): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  // fifo(7) tells a reader of the end only once somebody has written since it was opened
  closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW))
  return asSocket(fd, { readable: true, writable: false })
}

/** Our end of a container's input. Open for reading as well, so that it does not break when the program has ended. */
export function writeFifo(path: string): Socket {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  return asSocket(fd, { readable: false, writable: true })
}

function asSocket(fd: number, sides: { readonly readable: boolean; readonly writable: boolean }): Socket {
  try {
    return new Socket({ fd, ...sides })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
