import { writeFileSync } from 'node:fs'
import { NamespacesError } from '../errors.js'
import type { IdMapping, IdMaps } from './id-map.js'
import { findMapHelper, runMapHelper } from './map-helper.js'

/**
 * Writes the maps of a process in a new user namespace, once. What the kernel does not let the caller write itself
 * is written by `newuidmap` and `newgidmap`, which look whether `/etc/subuid` and `/etc/subgid` allow it. A caller
 * without `CAP_SETGID` may map its own group alone only with `setgroups` denied; then it is denied.
 *
 * @param pid - A child of the caller that waits, dumpable: the two programs ask that it belongs to their caller.
 * @throws {@link NamespacesError} `ERR_NAMESPACES_ID_MAP`, with the refused text.
 * @see {@link https://man7.org/linux/man-pages/man7/user_namespaces.7.html}
 */
export async function writeIdMaps(pid: number, maps: IdMaps): Promise<void> {
  if (maps.setgroups === 'deny') write(pid, 'setgroups', 'deny')
  await writeMap(pid, 'gid', maps)
  await writeMap(pid, 'uid', maps)
}

async function writeMap(pid: number, kind: 'uid' | 'gid', maps: IdMaps): Promise<void> {
  const map = maps[kind]
  const file = `${kind}_map`
  if (isOwnId(kind, map)) {
    if (kind === 'gid' && maps.setgroups === undefined && process.geteuid?.() !== 0) {
      write(pid, 'setgroups', 'deny')
    }
    write(pid, file, text(map))
    return
  }
  const refused = tryWrite(pid, file, text(map))
  if (refused === undefined) return
  const helper = refused.code === 'EPERM' && process.geteuid?.() !== 0 ? findMapHelper(kind) : undefined
  if (helper === undefined) throw refusal(pid, file, text(map), refused)
  await runMapHelper(helper, pid, map)
}

/** True for the one map that needs no privilege: the caller's own id, alone. */
function isOwnId(kind: 'uid' | 'gid', map: readonly IdMapping[]): boolean {
  const own = kind === 'uid' ? process.geteuid?.() : process.getegid?.()
  return map.length === 1 && map[0]!.size === 1 && map[0]!.outside === own
}

function write(pid: number, file: string, value: string): void {
  const refused = tryWrite(pid, file, value)
  if (refused !== undefined) throw refusal(pid, file, value, refused)
}

function tryWrite(pid: number, file: string, value: string): NodeJS.ErrnoException | undefined {
  try {
    writeFileSync(`/proc/${pid}/${file}`, value)
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

function refusal(pid: number, file: string, value: string, cause: NodeJS.ErrnoException): NamespacesError {
  const advice =
    cause.code === 'EPERM'
      ? process.geteuid?.() === 0
        ? '; the ids outside must be mapped in our own user namespace, and it takes CAP_SETUID, CAP_SETGID and, for id 0, CAP_SETFCAP'
        : '; an ordinary user may map its own id alone, and more only with newuidmap and newgidmap installed'
      : ''
  return new NamespacesError(
    'ERR_NAMESPACES_ID_MAP',
    `cannot write ${JSON.stringify(value)} to /proc/${pid}/${file}: the kernel refuses it (${cause.code ?? 'unknown'})${advice}`,
    { cause },
  )
}

function text(map: readonly IdMapping[]): string {
  return map.map(({ inside, outside, size }) => `${inside} ${outside} ${size}\n`).join('')
}
