import type { FileStatus } from '@ctr/overlay'

/** Bits of Go's `FileMode`, by the kind of a file as stat(2) has it. */
const kinds: Readonly<Record<number, number>> = {
  0o040000: 2 ** 31, // folder
  0o120000: 2 ** 27, // symbolic link
  0o060000: 2 ** 26, // block device
  0o020000: 2 ** 26 + 2 ** 21, // character device
  0o010000: 2 ** 25, // fifo
  0o140000: 2 ** 24, // socket
}

/** Value of the header `X-Docker-Container-Path-Stat`. */
export function pathStat({ name, size, mode, mtimeNs, linkTarget = '' }: FileStatus): string {
  const json = JSON.stringify({ name, size, mode: goMode(mode), mtime: goTime(mtimeNs), linkTarget })
  return Buffer.from(json).toString('base64')
}

/** A mode of stat(2) as Go has it. */
export function goMode(mode: number): number {
  const setuid = (mode & 0o4000) === 0 ? 0 : 2 ** 23
  const setgid = (mode & 0o2000) === 0 ? 0 : 2 ** 22
  const sticky = (mode & 0o1000) === 0 ? 0 : 2 ** 20
  return (kinds[mode & 0o170000] ?? 0) + setuid + setgid + sticky + (mode & 0o777)
}

/** Nanoseconds since 1970 as RFC 3339, without needless zeros. */
export function goTime(nanoseconds: bigint): string {
  const billion = 1_000_000_000n
  const rest = ((nanoseconds % billion) + billion) % billion
  const seconds = new Date(Number((nanoseconds - rest) / 1_000_000n)).toISOString().slice(0, -5)
  const fraction = String(rest).padStart(9, '0').replace(/0+$/, '')
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`
}
