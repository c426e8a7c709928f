import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from '@jest/globals'

/** What a test needs of the machine. `bin:NAME` is a program on the PATH. */
export type Need = 'root' | 'cgroup1' | 'cgroup2' | 'overlay' | 'userns' | `bin:${string}`

/**
 * `describe()` for tests that need something of the machine. When a need is missing the suite skips and
 * its title says why; with `CTR_REQUIRE_PRIVILEGED=1`, as CI sets it, a missing need is a failure.
 *
 * @param needs - What must be there.
 * @param title - Symbol and behaviour, as for `describe`.
 * @param body - The suite.
 */
export function describeOn(needs: readonly Need[], title: string, body: () => void): void {
  const lacking = needs.filter((need) => missing(need))
  if (lacking.length === 0) {
    describe(title, body)
    return
  }
  const reason = `needs ${lacking.join(', ')}`
  if (process.env['CTR_REQUIRE_PRIVILEGED'] === '1') {
    describe(title, () => {
      it(`runs on this machine (${reason})`, () => {
        throw new Error(`this run must not skip, but the machine lacks: ${lacking.join(', ')}`)
      })
    })
    return
  }
  describe.skip(`${title} (skipped: ${reason})`, body)
}

/** True when this machine lacks `need`. */
export function missing(need: Need): boolean {
  if (need.startsWith('bin:')) return !onPath(need.slice(4))
  switch (need) {
    case 'root':
      return process.getuid?.() !== 0
    case 'overlay':
      return !readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n')
    case 'cgroup1':
      return !/ - cgroup /.test(readFileSync('/proc/self/mountinfo', 'utf8'))
    case 'cgroup2':
      return !/ \/sys\/fs\/cgroup \S+ .*- cgroup2 /.test(readFileSync('/proc/self/mountinfo', 'utf8'))
    case 'userns':
      return Number(readFileSync('/proc/sys/user/max_user_namespaces', 'utf8')) === 0
    default:
      throw new Error(`unknown need ${need}`)
  }
}

function onPath(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
