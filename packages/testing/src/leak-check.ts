import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, type Dirent } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect } from '@jest/globals'

/** Settings of {@link leakCheck}. */
export interface LeakCheckOptions {
  /** How long the kernel may take to tear down what tests released, in milliseconds. Default 3000. */
  readonly settleMs?: number
}

/**
 * Compares mounts, cgroups, network namespaces, links, nft tables, fds, child processes and folders of
 * ours after all tests of a file with those before, and fails when something is left. Call it once at the
 * top of every test file that touches the kernel.
 */
export function leakCheck({ settleMs = 3000 }: LeakCheckOptions = {}): void {
  let before: Set<string>
  beforeAll(() => {
    before = snapshot()
  })
  afterAll(async () => {
    const deadline = Date.now() + settleMs
    let left = leftOver(before)
    while (left.length > 0 && Date.now() < deadline) {
      await sleep(50)
      left = leftOver(before)
    }
    expect(left.slice(0, 20)).toEqual([])
  }, settleMs + 30_000)
}

function leftOver(before: Set<string>): string[] {
  return [...snapshot()].filter((entry) => !before.has(entry))
}

function snapshot(): Set<string> {
  return new Set([
    ...mounts(),
    ...cgroups(),
    ...networkNamespaces(),
    ...links(),
    ...nftTables(),
    ...fds(),
    ...children(),
    ...folders(),
  ])
}

function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, , , root, point] = line.split(' ')
      const type = line.split(' - ')[1]
      return `mount ${String(point)} (${String(root)}, ${String(type)})`
    })
}

function cgroups(): string[] {
  return below('/sys/fs/cgroup', 6).map((path) => `cgroup ${path}`)
}

function below(folder: string, depth: number): string[] {
  if (depth === 0) return []
  return list(folder)
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [join(folder, entry.name), ...below(join(folder, entry.name), depth - 1)])
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // gone, or not ours to read
  }
}

function networkNamespaces(): string[] {
  const names = new Set<string>()
  for (const { name } of list('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      names.add(`network namespace ${readlinkSync(`/proc/${name}/ns/net`)}`)
    } catch {
      // the process ended in between
    }
  }
  return [...names]
}

function links(): string[] {
  return list('/sys/class/net').map(({ name }) => `link ${name}`)
}

function nftTables(): string[] {
  try {
    const tables = execFileSync('nft', ['list', 'tables'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return tables
      .split('\n')
      .filter(Boolean)
      .map((line) => `nft ${line}`)
  } catch {
    return [] // no nft here, or not root
  }
}

function fds(): string[] {
  const counts = new Map<string, number>()
  for (const { name } of list('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`)
      // Node opens and closes its own: modules, pipes of workers, the folder that is being listed
      // ... and one epoll descriptor watches all processes from the first that is waited for on
      // ... and one inotify descriptor watches all files from the first on
      if (
        /^\/proc\/\d+\/fd$|^anon_inode:(?:\[eventpoll\]|inotify)$|\/node_modules\/|\.(js|ts|json|node)$/.test(
          target,
        )
      )
        continue
      const kind = target.replace(/^(\w+):\[\d+\]$/, '$1')
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    } catch {
      // closed in between
    }
  }
  return [...counts].flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, n) => `fd ${kind} #${n + 1}`),
  )
}

function children(): string[] {
  return list('/proc/self/task').flatMap(({ name }) => {
    try {
      return readFileSync(`/proc/self/task/${name}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map((pid) => `process ${pid}`)
    } catch {
      return []
    }
  })
}

function folders(): string[] {
  return ['/run/ctrjs', '/var/lib/ctrjs', tmpdir()].flatMap((folder) =>
    list(folder)
      .filter(({ name }) => folder !== tmpdir() || name.startsWith('ctr'))
      .map(({ name }) => `folder ${join(folder, name)}`),
  )
}
