import { PR_GET_DUMPABLE, PR_SET_DUMPABLE } from '../constants/process.js'
import { syscall } from '../syscall.js'

/**
 * A child that changes its ids or makes itself undumpable does so to the memory that it shares with this
 * process. When no child is on its way any more, this process becomes dumpable again if it was before.
 */
let onTheirWay = 0
let dumpable = false

/** A child that shares our memory is about to begin. */
export function childBegins(): void {
  if (onTheirWay === 0) dumpable = syscall('prctl', PR_GET_DUMPABLE) === 1
  onTheirWay++
}

/** It no longer shares our memory. */
export function childEnded(): void {
  onTheirWay--
  if (onTheirWay === 0 && dumpable) syscall('prctl', PR_SET_DUMPABLE, 1)
}
