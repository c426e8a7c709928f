import { readFileSync } from 'node:fs'

/** A number of a kernel file: a `bigint` where a `number` would not be exact, as for v1's "no limit". */
export type Count = number | bigint

/** What v2's `max` is in statistics. */
const MAX_UINT64 = 2n ** 64n - 1n

/** Text of an interface file, undefined when this kernel has no such file or the cgroup is gone. */
export function readText(folder: string, file: string): string | undefined {
  try {
    return readFileSync(`${folder}/${file}`, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // EOPNOTSUPP, which Node names ENOTSUP: of files that a kernel has and does not serve any more
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENOTSUP') return undefined
    throw error
  }
}

/** A file of one number, 0 when it is not there. */
export function readCount(folder: string, file: string): Count {
  return parseCount(readText(folder, file)?.trim() ?? '0')
}

/** A number as the kernel writes it; -1 is what a counter begins with before it counts. Anything else is 0. */
export function parseCount(word: string): Count {
  if (word === 'max') return MAX_UINT64
  if (!/^\d{1,20}$/.test(word)) return 0
  const value = Number(word)
  return Number.isSafeInteger(value) ? value : BigInt(word)
}

/** Lines of a name and a number. */
export function parseKeyed(text: string | undefined): Map<string, Count> {
  const found = new Map<string, Count>()
  for (const line of (text ?? '').split('\n')) {
    const [name, value] = line.split(' ')
    if (name !== undefined && value !== undefined) found.set(name, parseCount(value))
  }
  return found
}

/** Nanoseconds of microseconds. */
export function nanoseconds(usec: Count | undefined): Count {
  return times(usec ?? 0, 1000)
}

/** A product that stays exact. */
export function times(value: Count, factor: number): Count {
  return exact(BigInt(value) * BigInt(factor))
}

/** A sum that stays exact. */
export function plus(a: Count, b: Count): Count {
  return exact(BigInt(a) + BigInt(b))
}

function exact(value: bigint): Count {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}
