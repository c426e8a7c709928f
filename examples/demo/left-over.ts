import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Container } from '@ctr/runtime'

/** The name under which a runtime has its cgroups, links and rules, taken from the cgroup of a container. */
export function instanceOf(container: Container): string {
  const groups = readFileSync(`/proc/${String(container.pid)}/cgroup`, 'utf8')
  return new RegExp(`/([^/\n]+)/${container.id}`).exec(groups)?.[1] ?? 'unknown'
}

/** What is still there of a runtime: cgroups and links of its name, mounts below its folder. */
export function leftOver(instance: string, folder: string): string[] {
  const hierarchies = [
    '/sys/fs/cgroup',
    ...names('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name)),
  ]
  const cgroups = hierarchies.flatMap((hierarchy) =>
    names(hierarchy)
      .filter((name) => name === instance)
      .map((name) => `cgroup ${join(hierarchy, name)}`),
  )
  const links = names('/sys/class/net')
    .filter((name) => name.startsWith(instance))
    .map((name) => `link ${name}`)
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => `mount ${path}`)
  return [...cgroups, ...links, ...mounts]
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // a file, or gone
  }
}
