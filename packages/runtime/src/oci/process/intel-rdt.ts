import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RuntimeError } from '../../errors.js'
import type { ConfigIntelRdt } from '../config/config.js'
import { invalidConfig } from '../config/invalid-config.js'
import { differingSchema, schemataOf } from './schemata.js'

/** Where a container's processes are in the resctrl file system, for its record. */
export interface IntelRdtPlace {
  /** Folder of the class of service. */
  readonly folder: string
  /** The folder is the container's own: it goes with it. */
  readonly made: boolean
  /** Folder of the container's monitoring group. */
  readonly monitoring?: string | undefined
}

/**
 * Refuses what this host does not have, before anything is made.
 *
 * @param root - Mount point of the resctrl file system, as {@link resctrlRoot} finds it.
 * @returns The mount point.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`
 * @see {@link https://docs.kernel.org/filesystems/resctrl.html}
 */
export function checkIntelRdt(rdt: ConfigIntelRdt, root: string | undefined = resctrlRoot()): string {
  if (root === undefined) {
    throw invalidConfig('linux.intelRdt needs Intel RDT, and no resctrl file system is mounted on this host')
  }
  const { closID } = rdt
  if (closID !== undefined && closID !== '/' && (/^\.{0,2}$/.test(closID) || closID.includes('/'))) {
    throw invalidConfig(`linux.intelRdt.closID ${JSON.stringify(closID)} must be the name of a folder, or /`)
  }
  const lines = [rdt.l3CacheSchema, rdt.memBwSchema, ...(rdt.schemata ?? [])]
  if (lines.some((line) => line?.includes('\n'))) {
    throw invalidConfig('linux.intelRdt has a schema of more than one line')
  }
  return root
}

/** Where the resctrl file system is mounted, undefined when it is not. */
export function resctrlRoot(): string | undefined {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [mount = '', type = ''] = line.split(' - ')
    if (type.startsWith('resctrl ')) return mount.split(' ')[4]
  }
  return undefined
}

/**
 * Outside, before the container's process is started: makes the class of service with its schemata, or takes the one
 * that is there, and the monitoring group.
 *
 * @param id - Id of the container: name of its class where the config has none, and of its monitoring group.
 * @param root - Mount point, from {@link checkIntelRdt}.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: the class must exist and does not, has other schemata, or the
 *   kernel refuses, for which the message has the kernel's own words.
 */
export function prepareIntelRdt(rdt: ConfigIntelRdt, id: string, root: string): IntelRdtPlace {
  const { closID = id } = rdt
  const folder = join(root, closID)
  const schemata = schemataOf(rdt)
  const there = existsSync(folder)
  if (rdt.closID !== undefined && !there && schemata === '') {
    throw refused(root, `use class of service ${closID}, it does not exist and no schemata are given`)
  }
  if (rdt.closID !== undefined && there) {
    const current = attempt(root, `read the schemata of ${closID}`, () =>
      readFileSync(join(folder, 'schemata'), 'latin1'),
    )
    const differing = differingSchema(schemata, current)
    if (differing !== undefined) {
      throw refused(root, `use class of service ${closID}, its schemata differ from ${differing}`)
    }
  }
  const place: IntelRdtPlace = {
    folder,
    made: !there && rdt.closID === undefined,
    monitoring: rdt.enableMonitoring === true ? join(folder, 'mon_groups', id) : undefined,
  }
  try {
    if (!there) attempt(root, `make class of service ${closID}`, () => mkdirSync(folder))
    if (schemata !== '') {
      attempt(root, `write the schemata of ${closID}`, () =>
        writeFileSync(join(folder, 'schemata'), schemata, { flag: 'r+' }),
      )
    }
    const { monitoring } = place
    if (monitoring !== undefined) attempt(root, 'make a monitoring group', () => mkdirSync(monitoring))
  } catch (error) {
    releaseIntelRdt(place)
    throw error
  }
  return place
}

/**
 * Outside, while the process waits before its command: its class of service, and its monitoring group. For processes
 * that join a running container, too.
 */
export function assignIntelRdt({ folder, monitoring }: IntelRdtPlace, pid: number, root: string): void {
  for (const path of monitoring === undefined ? [folder] : [folder, monitoring]) {
    attempt(root, `put process ${pid} into ${path}`, () =>
      writeFileSync(join(path, 'tasks'), String(pid), { flag: 'r+' }),
    )
  }
}

/** Removes what {@link prepareIntelRdt} made for the container alone. What is gone already is no failure. */
export function releaseIntelRdt({ folder, made, monitoring }: IntelRdtPlace): void {
  const path = made ? folder : monitoring
  if (path === undefined) return
  try {
    rmdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function attempt<Result>(root: string, action: string, act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    throw refused(root, `${action}: ${(error as Error).message}${lastStatus(root)}`, error)
  }
}

/** Why the kernel refused the last command, in words. */
function lastStatus(root: string): string {
  try {
    const status = readFileSync(join(root, 'info', 'last_cmd_status'), 'latin1').trim()
    return status === '' || status === 'ok' ? '' : ` (${status})`
  } catch {
    return '' // older than Linux 4.18
  }
}

function refused(root: string, what: string, cause?: unknown): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_START', `cannot set up Intel RDT in ${root}: cannot ${what}`, {
    cause,
  })
}
