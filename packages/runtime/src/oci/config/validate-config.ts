import { statSync } from 'node:fs'
import { wrong } from './check.js'
import type { Config, ConfigNamespace, ConfigNamespaceType } from './config.js'
import { invalidConfig, shown } from './invalid-config.js'
import { parseMountOptions } from './mount-options.js'
import { sysctlFile, sysctlNamespace } from './sysctl.js'

/** Longest host or domain name (`__NEW_UTS_LEN`). */
const LONGEST_NAME = 64

type Namespaces = ReadonlyMap<ConfigNamespaceType, ConfigNamespace>

/**
 * Checks what fields of a config, each right by itself, ask for together: above all that what they change belongs to
 * the container, and not to the host.
 */
export function validateConfig(config: Config): void {
  const namespaces: Namespaces = new Map((config.linux?.namespaces ?? []).map((one) => [one.type, one]))
  checkNames(config, namespaces)
  checkUserNamespace(config, namespaces)
  checkTimeNamespace(config, namespaces)
  checkSysctls(config, namespaces)
  const { linux, mounts = [] } = config
  for (const [index, { options, uidMappings }] of mounts.entries()) {
    const inherits = uidMappings === undefined && options?.some((one) => one === 'idmap' || one === 'ridmap')
    if (inherits) need(namespaces, 'user', `mounts[${index}].options: idmap without mappings`)
  }
  if (Object.keys(linux?.netDevices ?? {}).length > 0) need(namespaces, 'network', 'linux.netDevices')
  if ((linux?.maskedPaths ?? []).length > 0) need(namespaces, 'mount', 'linux.maskedPaths')
  if ((linux?.readonlyPaths ?? []).length > 0) need(namespaces, 'mount', 'linux.readonlyPaths')
}

/** Checks what a caller without privileges cannot have. */
export function validateRootless({ linux, mounts }: Config): void {
  const user = linux?.namespaces?.find(({ type }) => type === 'user')
  if (user === undefined) throw invalidConfig('linux.namespaces must have one of type user to be rootless')
  if (user.path !== undefined) return
  const maps = { uid: linux?.uidMappings ?? [], gid: linux?.gidMappings ?? [] }
  for (const [index, mount] of (mounts ?? []).entries()) {
    for (const [key, value] of parseMountOptions(mount.options ?? []).data) {
      if ((key !== 'uid' && key !== 'gid') || value === undefined || !/^\d{1,10}$/.test(value)) continue
      const id = Number(value)
      if (!maps[key].some(({ containerID, size }) => id >= containerID && id < containerID + size)) {
        throw invalidConfig(
          `mounts[${index}].options: ${key}=${value} is not mapped by linux.${key}Mappings, as rootless needs`,
        )
      }
    }
  }
}

function need(namespaces: Namespaces, type: ConfigNamespaceType, field: string): void {
  if (!namespaces.has(type))
    throw invalidConfig(`${field} needs a namespace of type ${type} in linux.namespaces`)
}

function checkNames(config: Config, namespaces: Namespaces): void {
  for (const field of ['hostname', 'domainname'] as const) {
    const value = config[field]
    if (value === undefined) continue
    need(namespaces, 'uts', field)
    if (Buffer.byteLength(value) > LONGEST_NAME) throw wrong(field, `at most ${LONGEST_NAME} bytes`, value)
  }
}

function checkUserNamespace({ linux }: Config, namespaces: Namespaces): void {
  const mapped = linux?.uidMappings ?? linux?.gidMappings
  if (mapped === undefined) return
  need(namespaces, 'user', linux?.uidMappings === undefined ? 'linux.gidMappings' : 'linux.uidMappings')
  for (const field of ['uidMappings', 'gidMappings'] as const) {
    if (linux?.[field] === undefined)
      throw wrong(`linux.${field}`, 'the ids of the user namespace', undefined)
  }
}

function checkTimeNamespace({ linux }: Config, namespaces: Namespaces): void {
  if (linux?.timeOffsets === undefined) return
  need(namespaces, 'time', 'linux.timeOffsets')
  if (namespaces.get('time')?.path !== undefined) {
    throw invalidConfig('linux.timeOffsets cannot be set for a time namespace that is joined')
  }
}

function checkSysctls(config: Config, namespaces: Namespaces): void {
  for (const [name, value] of Object.entries(config.linux?.sysctl ?? {})) {
    const field = `linux.sysctl[${shown(name)}]`
    const file = sysctlFile(name)
    const type = sysctlNamespace(file)
    if (type === undefined)
      throw invalidConfig(`${field} is not a sysctl that a namespace has its own value of`)
    need(namespaces, type, field)
    if (isOwn(type, namespaces.get(type)?.path)) {
      throw invalidConfig(
        `${field} would change the host: the namespace of type ${type} is the runtime's own`,
      )
    }
    // as other runtimes have it: the field of the config is the one place for a host name
    if (file === 'kernel/hostname') throw invalidConfig(`${field} conflicts with hostname: set that one`)
    if (file === 'kernel/domainname' && (config.domainname ?? value) !== value) {
      throw invalidConfig(`${field} conflicts with domainname, which is another value`)
    }
  }
}

/** True when the path of a namespace leads to the one that this process is in. */
function isOwn(type: 'ipc' | 'network' | 'uts', path: string | undefined): boolean {
  if (path === undefined) return false
  const own = statSync(`/proc/self/ns/${type === 'network' ? 'net' : type}`, { bigint: true })
  try {
    const joined = statSync(path, { bigint: true })
    return joined.dev === own.dev && joined.ino === own.ino
  } catch {
    // joining it will say what is wrong with the path
    return false
  }
}
