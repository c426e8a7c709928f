import { invalid } from './check.js'

/** No machine has more processors or memory nodes (`CONFIG_NR_CPUS` ends at 8192). */
const MOST = 65_536

/**
 * Reads a list of processors or memory nodes, as the kernel writes them: `0-3,7`. Pure.
 *
 * @param text - The list; empty, or a line break at the end, is allowed.
 * @param what - How errors name it.
 * @returns The numbers, ascending, each once.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: not such a list.
 * @see {@link https://man7.org/linux/man-pages/man7/cpuset.7.html} ("List format")
 */
export function parseCpuList(text: string, what = 'list of processors'): number[] {
  const found = new Set<number>()
  for (const part of text.trimEnd().split(',')) {
    if (part === '' && text.trimEnd() === '') break
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part)
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (!match || last < first || last >= MOST) throw invalid(what, 'a list such as 0-3,7', text)
    for (let number = first; number <= last; number++) found.add(number)
  }
  return [...found].sort((a, b) => a - b)
}
