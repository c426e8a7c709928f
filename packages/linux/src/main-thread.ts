import { readlinkSync } from 'node:fs'

let main: boolean | undefined

/**
 * True on the first thread of the process. As `isMainThread` of node:worker_threads, without loading that module,
 * which takes 2 ms.
 */
export function isMainThread(): boolean {
  main ??= /^(\d+)\/task\/\1$/.test(readlinkSync('/proc/thread-self'))
  return main
}
