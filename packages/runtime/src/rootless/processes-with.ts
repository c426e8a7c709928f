import { readdirSync, readlinkSync } from 'node:fs'

/** Ids of the processes in the pid namespace of a process, as far as the caller may look. */
export function processesWith(pid: number): number[] {
  const namespace = namespaceOf(pid)
  if (namespace === undefined) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => namespaceOf(other) === namespace)
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined // gone, or somebody else's
  }
}
