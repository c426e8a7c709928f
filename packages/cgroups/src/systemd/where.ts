import { existsSync, readFileSync } from 'node:fs'
import { parseAddress } from '../dbus/address.js'
import { CgroupError } from '../errors.js'
import { isSystemdInit, SYSTEM_SOCKETS, SYSTEMD_BOOTED } from '../host/default-driver.js'

/** A socket at which a service manager is to be had. */
export interface ManagerSocket {
  readonly path: string
  readonly kind: 'bus' | 'peer'
}

/**
 * Whether scopes of this process are made by the service manager of its user: for every user but root, and for one who
 * is root in a user namespace of their own (`podman unshare`), in which the environment still has their name. Root of a
 * container that has a systemd of its own has that of the system.
 */
export function isOrdinaryUser(env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.geteuid?.() !== 0) return true
  const { USER: user = '' } = env
  if (user === '' || user === 'root') return false
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'))
}

/**
 * Finds the service manager of the system, or of this user: its bus first, then the socket that it has for its own
 * tools, which is there without a bus.
 *
 * @throws {@link CgroupError} `ERR_CGROUP_UNSUPPORTED`: systemd does not run here, or is not to be reached.
 */
export function findManager(user: boolean, env: NodeJS.ProcessEnv = process.env): ManagerSocket {
  if (!isSystemdInit())
    throw unsupported(`systemd is not the init process of this host (there is no ${SYSTEMD_BOOTED})`)
  const candidates = user ? ofUser(env) : ofSystem(env)
  const found = candidates.find(({ path }) => path.startsWith('\0') || existsSync(path))
  if (found) return found
  const tried = candidates.map(({ path }) => path).join(', ')
  throw unsupported(
    user
      ? `there is no service manager of this user (${tried || 'XDG_RUNTIME_DIR is not set'}): log in, or enable lingering`
      : `there is no socket of systemd (${tried})`,
  )
}

function ofSystem(env: NodeJS.ProcessEnv): ManagerSocket[] {
  const given = env['DBUS_SYSTEM_BUS_ADDRESS']
  const buses = given ? parseAddress(given) : [SYSTEM_SOCKETS.bus]
  return [...buses.map(bus), peer(SYSTEM_SOCKETS.peer)]
}

function ofUser(env: NodeJS.ProcessEnv): ManagerSocket[] {
  const given = env['DBUS_SESSION_BUS_ADDRESS']
  const folder = env['XDG_RUNTIME_DIR']
  const buses = given ? parseAddress(given) : []
  return folder
    ? [...buses.map(bus), bus(`${folder}/bus`), peer(`${folder}/systemd/private`)]
    : buses.map(bus)
}

const bus = (path: string): ManagerSocket => ({ path, kind: 'bus' })
const peer = (path: string): ManagerSocket => ({ path, kind: 'peer' })

function unsupported(why: string): CgroupError {
  return new CgroupError('ERR_CGROUP_UNSUPPORTED', `cannot let systemd make cgroups: ${why}`)
}
