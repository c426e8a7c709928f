import { type Checker, text, wrong } from './check.js'

/**
 * A list of CPUs or NUMA nodes such as `0-3,7`, spaces around its parts allowed, at least one of them.
 *
 * @param most - Highest number that the kernel can have.
 */
export function idList(most: number): Checker<string> {
  return (value, path, warn) => {
    const list = text(value, path, warn)
    const parts = list.split(',').map((part) => part.trim())
    const used = parts.filter((part) => part !== '')
    if (used.length === 0 || !used.every((part) => isRange(part, most))) {
      throw wrong(path, `a list such as 0-3,7 of numbers up to ${most}`, list)
    }
    return list
  }
}

function isRange(part: string, most: number): boolean {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part)
  if (match === null) return false
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  return first <= last && last <= most
}
