import { openSync } from 'node:fs'
import { isatty } from 'node:tty'
import { windowSize, type WindowSize } from '@ctr/linux'

let found: { readonly fd: number | undefined } | undefined

/** The terminal that we were started on, whatever our streams are; undefined without one. It stays open. */
export function ownTerminal(): number | undefined {
  found ??= { fd: [2, 1, 0].find((fd) => isatty(fd)) ?? openControlling() }
  return found.fd
}

function openControlling(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+')
  } catch {
    return undefined // started by a service, say
  }
}

/** Size of its window; undefined when it has none. */
export function ownWindowSize(): WindowSize | undefined {
  const own = ownTerminal()
  const size = own === undefined ? undefined : windowSize(own)
  return size === undefined || size.rows === 0 || size.columns === 0 ? undefined : size
}
