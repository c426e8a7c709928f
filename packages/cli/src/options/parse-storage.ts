import type { RunOptions } from '@ctr/runtime'
import { usageError } from '../errors.js'
import { parseSize } from './parse-size.js'

/** Reads the options `size=10G` and `inodes=100000`; undefined for no limit. */
export function parseStorage(
  { size, inodes, ...others }: Readonly<Record<string, string>>,
  option: string,
): RunOptions['storage'] {
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw usageError(`invalid argument "${unknown}" for ${option}: size=BYTES and inodes=NUMBER are known`)
  if (inodes !== undefined && !/^[1-9]\d{0,14}$/.test(inodes))
    throw usageError(`invalid argument "inodes=${inodes}" for ${option}: a whole number above 0 is needed`)
  const bytes = size === undefined ? undefined : parseSize(size, option)
  if (bytes === 0) throw usageError(`invalid argument "size=${size}" for ${option}: it must be above 0`)
  if (bytes === undefined && inodes === undefined) return undefined
  return { bytes, inodes: inodes === undefined ? undefined : Number(inodes) }
}
