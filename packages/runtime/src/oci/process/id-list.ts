import { invalidConfig } from '../config/invalid-config.js'

/**
 * Reads a list of CPUs or NUMA nodes such as `0-3,7`, the form of cpuset(7).
 *
 * @param what - Whose list it is, for errors.
 * @param most - Highest number that there can be.
 * @returns The numbers in order, each once.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: not such a list, or a number above `most`.
 */
export function parseIdList(what: string, list: string, most: number): readonly number[] {
  const ids = new Set<number>()
  for (const part of list.split(',').map((text) => text.trim())) {
    if (part === '') continue
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part)
    const first = Number(match?.[1] ?? Infinity)
    const last = Number(match?.[2] ?? first)
    if (first > last || last > most) {
      throw invalidConfig(
        `invalid ${what} ${JSON.stringify(list.slice(0, 80))}, it must be a list such as 0-3,7 of numbers up to ${most}`,
      )
    }
    for (let id = first; id <= last; id++) ids.add(id)
  }
  return [...ids].sort((a, b) => a - b)
}
