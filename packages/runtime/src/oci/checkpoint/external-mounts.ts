import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Config, ConfigMount } from '../config/config.js'
import { cgroupMountsBelow, hierarchyFolders } from './cgroup-folders.js'
import type { CriuExternalMount } from './criu-messages.js'
import { resolveInRoot } from './mount-names.js'

// A mount whose source is outside of the container is external for CRIU: at a checkpoint it is given a name (the
// key is where it is mounted), and at a restore the source for that name (the key is the name).

/** Devices that are mounts from the host where a container has a user namespace. */
const defaultDevices = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty']

/** What hides a file of the container. */
const hidden = '/dev/null'

/** True for a mount of a folder or file of the host. */
export function isBind({ type, options = [] }: ConfigMount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind')
}

/** The source of a bind, as an absolute path. */
export function bindSource({ source = '' }: ConfigMount, bundle: string): string {
  return resolve(bundle, source)
}

/**
 * External mounts of a running container.
 *
 * @param rootfs - Its root file system on the host.
 * @param pid - Its first process.
 */
export function externalMountsOf(config: Config, rootfs: string, pid: number): CriuExternalMount[] {
  const { mounts = [], linux } = config
  const named = (destination: string): CriuExternalMount => {
    const name = resolveInRoot(rootfs, destination)
    return { key: name, val: name }
  }
  return unique([
    ...mounts.filter(isBind).map(({ destination }) => named(destination)),
    ...(hasCgroupNamespace(config)
      ? []
      : mounts
          .filter(isCgroups)
          .flatMap(({ destination }) => cgroupMountsBelow(resolveInRoot(rootfs, destination), pid))
          .map((point) => ({ key: point, val: point }))),
    ...(linux?.maskedPaths ?? [])
      .filter((path) => isFile(`/proc/${pid}/root/${path}`))
      .map((path) => ({ key: path, val: hidden })),
    ...devicesOf(config).map(named),
  ])
}

/**
 * Sources of the external mounts of a container that is to be restored.
 *
 * @param bundle - What relative sources begin at.
 * @param pid - A process in the container's cgroups.
 */
export function externalSources(
  config: Config,
  rootfs: string,
  bundle: string,
  pid: number,
): CriuExternalMount[] {
  const { mounts = [], linux } = config
  const nameOf = (destination: string): string => resolveInRoot(rootfs, destination)
  return unique([
    ...mounts
      .filter(isBind)
      .map((mount) => ({ key: nameOf(mount.destination), val: bindSource(mount, bundle) })),
    ...(hasCgroupNamespace(config)
      ? []
      : mounts.filter(isCgroups).flatMap(({ destination }) =>
          hierarchyFolders(pid).map((folder) => ({
            key: join(nameOf(destination), folder.name),
            val: folder.path,
          })),
        )),
    ...((linux?.maskedPaths ?? []).length === 0 ? [] : [{ key: hidden, val: hidden }]),
    ...devicesOf(config).map((path) => ({ key: nameOf(path), val: path })),
  ])
}

/** Whether there is something that is no folder. */
function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory()
  } catch {
    return false // not there, or links without an end
  }
}

function devicesOf({ linux }: Config): string[] {
  return [...defaultDevices, ...(linux?.devices ?? []).map(({ path }) => path)]
}

function isCgroups({ type }: ConfigMount): boolean {
  return type === 'cgroup' || type === 'cgroup2'
}

// in a cgroup namespace of its own a container has real cgroup mounts, which CRIU makes again
function hasCgroupNamespace({ linux }: Config): boolean {
  return linux?.namespaces?.some(({ type }) => type === 'cgroup') === true
}

/** The first of a key wins: what the config mounts somewhere hides a default device there. */
function unique(mounts: readonly CriuExternalMount[]): CriuExternalMount[] {
  const keys = mounts.map(({ key }) => key)
  return mounts.filter(({ key }, index) => keys.indexOf(key) === index)
}
