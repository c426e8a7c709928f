import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { CgroupError } from '../errors.js'
import type { GroupFolder } from '../group/group.js'
import type { HierarchyMount } from '../host/hierarchy.js'
import { errnoOf, pathError } from '../kernel/errno.js'
import { parseAmount, parseLimit } from './parse-amount.js'

/** Where figures are read from. */
export interface StatsSource {
  /** Text of an interface file; `undefined` when this kernel has no such file, or the group is gone. */
  read(home: GroupFolder, file: string): string | undefined
}

/** Opens, reads and closes each file. */
export const onceSource: StatsSource = {
  read({ mount, folder }, file) {
    const lacking = lackingFiles(mount)
    if (lacking?.has(file)) return undefined
    const fd = openFile(`${folder}/${file}`)
    if (fd === undefined) {
      if (existsSync(folder)) lacking?.add(file)
      return undefined
    }
    try {
      return textOf(fd, file)
    } finally {
      closeSync(fd)
    }
  },
}

/** Text of a file that must be there as long as the group is. */
export function need(source: StatsSource, home: GroupFolder, file: string): string {
  const text = source.read(home, file)
  if (text !== undefined) return text
  const path = `${home.folder}/${file}`
  throw new CgroupError('ERR_CGROUP_NOT_FOUND', `cannot read ${path}: the group or the file is not there`, {
    path,
    errno: 'ENOENT',
  })
}

/** The number in a file that must be there. */
export function amount(source: StatsSource, home: GroupFolder, file: string): number {
  return parseAmount(need(source, home, file), `${home.folder}/${file}`)
}

/** The limit in a file that must be there. */
export function limit(source: StatsSource, home: GroupFolder, file: string): number | 'max' {
  return parseLimit(need(source, home, file), `${home.folder}/${file}`)
}

/** The number in a file; `undefined` when it is not there. */
export function amountIfThere(source: StatsSource, home: GroupFolder, file: string): number | undefined {
  const text = source.read(home, file)
  return text === undefined ? undefined : parseAmount(text, `${home.folder}/${file}`)
}

/** The limit in a file; `undefined` when it is not there. */
export function limitIfThere(
  source: StatsSource,
  home: GroupFolder,
  file: string,
): number | 'max' | undefined {
  const text = source.read(home, file)
  return text === undefined ? undefined : parseLimit(text, `${home.folder}/${file}`)
}

/** Files that a v1 hierarchy does not have, as this kernel does not: a failed open is slow. */
const lackingByMount = new WeakMap<HierarchyMount, Set<string>>()

function lackingFiles(mount: HierarchyMount): Set<string> | undefined {
  if (mount.version === 2) return undefined // there, what files a group has depends on its parent
  let lacking = lackingByMount.get(mount)
  if (lacking === undefined) lackingByMount.set(mount, (lacking = new Set()))
  return lacking
}

/** Opens a file; `undefined` when it is not there. */
export function openFile(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw pathError('read', path, error)
  }
}

/** These files are one record each, which a single read gives whole when there is room for it. */
let room = Buffer.allocUnsafe(16 * 1024)
const MOST = 2 ** 20

/** Text of an open file, from its beginning; `undefined` when the group is gone. */
export function textOf(fd: number, path: string): string | undefined {
  try {
    for (;;) {
      const length = readSync(fd, room, 0, room.length, 0)
      if (length < room.length || room.length >= MOST) return room.toString('latin1', 0, length)
      room = Buffer.allocUnsafe(room.length * 4)
    }
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw pathError('read', path, error)
  }
}

/** No such file, a group that is gone, or a file that a kernel has and does not serve (`EOPNOTSUPP`, as Node names it). */
function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENODEV', 'ENOTSUP'].includes(errnoOf(error) ?? '')
}
